"""How data sets lie on disk: one file a layout; the surest of what they see are tried first."""

from ossicle.datasets.layouts.audacity import AUDACITY
from ossicle.datasets.layouts.audiofolder import AUDIOFOLDER
from ossicle.datasets.layouts.audioset import AUDIOSET
from ossicle.datasets.layouts.csv_table import CSV
from ossicle.datasets.layouts.dcase import DCASE
from ossicle.datasets.layouts.esc50 import ESC50
from ossicle.datasets.layouts.folders import FOLDERS
from ossicle.datasets.layouts.fsdd import FSDD
from ossicle.datasets.layouts.layout import Layout
from ossicle.datasets.layouts.meta import META
from ossicle.datasets.layouts.raven import RAVEN
from ossicle.datasets.layouts.recordings import RECORDINGS
from ossicle.datasets.layouts.speech_commands import SPEECH_COMMANDS
from ossicle.datasets.layouts.urbansound8k import URBANSOUND8K

__all__ = ["ALL", "Layout"]

ALL = (
    *(ESC50, URBANSOUND8K, META, FSDD, SPEECH_COMMANDS, AUDIOSET, AUDIOFOLDER),
    *(DCASE, RAVEN, AUDACITY, CSV, FOLDERS, RECORDINGS),
)

"""Samples → frames × bands: front ends, temporal integration, scaling, the feature store."""

from ossicle.features.base import FrontEnd
from ossicle.features.embedding import Embedding
from ossicle.features.integration import INTEGRATIONS, integrate, integrate_rows, integrated_size
from ossicle.features.log_mel import LogMel
from ossicle.features.logbank_summary import LogbankSummary
from ossicle.features.mfcc import MFCC
from ossicle.features.pretrained import PRETRAINED
from ossicle.features.registry import FRONT_ENDS, front_end
from ossicle.features.scaling import Scaler
from ossicle.features.short_term import ShortTerm
from ossicle.features.store import FeatureStore
from ossicle.features.table import FeatureTable
from ossicle.features.waveform import Waveform
from ossicle.features.windows import Piece, WindowCutter, window_lengths

__all__ = [
    "FRONT_ENDS",
    "INTEGRATIONS",
    "MFCC",
    "PRETRAINED",
    "Embedding",
    "FeatureStore",
    "FeatureTable",
    "FrontEnd",
    "LogMel",
    "LogbankSummary",
    "Piece",
    "Scaler",
    "ShortTerm",
    "Waveform",
    "WindowCutter",
    "front_end",
    "integrate",
    "integrate_rows",
    "integrated_size",
    "window_lengths",
]

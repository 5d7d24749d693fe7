"""Files, streams and arrays into samples: decode, resample, level, mix, augment, synthesise."""

from ossicle.audio.alarms import ALARMS, alarm
from ossicle.audio.augmentation import AUGMENTATIONS, augment
from ossicle.audio.backgrounds import BACKGROUNDS, background
from ossicle.audio.levels import SILENCE, gain, level, peak
from ossicle.audio.limits import LIMITS, STREAM_LIMITS, Limits, check_rate
from ossicle.audio.meter import LevelMeter, Levels, measure
from ossicle.audio.mixing import active_level, mix
from ossicle.audio.reading import AudioInfo, info, read_audio, read_blocks, read_pcm
from ossicle.audio.resampling import Resampler, resample
from ossicle.audio.rooms import reverberate, room_response
from ossicle.audio.salient import SIGNIFICANT, significant
from ossicle.audio.weighting import a_weighting
from ossicle.audio.writing import write_audio

__all__ = [
    "ALARMS",
    "AUGMENTATIONS",
    "BACKGROUNDS",
    "LIMITS",
    "SIGNIFICANT",
    "SILENCE",
    "STREAM_LIMITS",
    "AudioInfo",
    "LevelMeter",
    "Levels",
    "Limits",
    "Resampler",
    "a_weighting",
    "active_level",
    "alarm",
    "augment",
    "background",
    "check_rate",
    "gain",
    "info",
    "level",
    "measure",
    "mix",
    "peak",
    "read_audio",
    "read_blocks",
    "read_pcm",
    "resample",
    "reverberate",
    "room_response",
    "significant",
    "write_audio",
]

"""Files, streams and arrays into samples: decode, resample, measure, mix, vary, synthesise."""

from ossicle.audio.alarms import ALARMS, alarm
from ossicle.audio.augmentation import AUGMENTATIONS, augment, check_amount
from ossicle.audio.backgrounds import BACKGROUNDS, background
from ossicle.audio.converting import Conversion, Piece, convert_audio
from ossicle.audio.levels import SILENCE, gain, level, peak
from ossicle.audio.limits import LIMITS, STREAM_LIMITS, Limits, check_rate
from ossicle.audio.meter import LevelMeter, Levels, measure
from ossicle.audio.mixing import active_level, mix
from ossicle.audio.reading import AudioInfo, info, rate_of, read_audio, read_blocks, read_pcm
from ossicle.audio.resampling import Resampler, resample
from ossicle.audio.rooms import reverberate, room_response
from ossicle.audio.salient import SIGNIFICANT, significant
from ossicle.audio.weighting import a_weighting
from ossicle.audio.writing import audio_writer, write_audio

__all__ = [
    "ALARMS",
    "AUGMENTATIONS",
    "BACKGROUNDS",
    "LIMITS",
    "SIGNIFICANT",
    "SILENCE",
    "STREAM_LIMITS",
    "AudioInfo",
    "Conversion",
    "LevelMeter",
    "Levels",
    "Limits",
    "Piece",
    "Resampler",
    "a_weighting",
    "active_level",
    "alarm",
    "audio_writer",
    "augment",
    "background",
    "check_amount",
    "check_rate",
    "convert_audio",
    "gain",
    "info",
    "level",
    "measure",
    "mix",
    "peak",
    "rate_of",
    "read_audio",
    "read_blocks",
    "read_pcm",
    "resample",
    "reverberate",
    "room_response",
    "significant",
    "write_audio",
]

"""Reading and resampling: 600 s of 44.1 kHz stereo to 16 kHz mono, ossicle against librosa.load.

Both resample with soxr HQ; they take turns in one run, one thread; CPU seconds, median of the
rounds. The results are compared first.

    python benchmarks/audio.py [--rounds 5] [--seconds 600]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np

from ossicle.audio import background, read_audio, read_blocks, write_audio

FROM_RATE, TO_RATE = 44_100, 16_000


def stream(path: Path) -> int:
    return sum(block.size for block in read_blocks(path, sample_rate=TO_RATE))


def whole(path: Path) -> np.ndarray:
    return read_audio(path, sample_rate=TO_RATE)[0]


def peer(path: Path) -> np.ndarray:
    return librosa.load(path, sr=TO_RATE, mono=True, res_type="soxr_hq")[0]


def cpu_seconds(read: Callable[[Path], object], path: Path) -> float:
    begin = time.process_time()
    read(path)
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=600.0)
    options = parser.parse_args()
    sides = [
        background(kind, options.seconds, sample_rate=FROM_RATE) for kind in ("music", "babble")
    ]
    print("format  read_blocks  read_audio  librosa.load  ratio (blocks)  ratio (whole)")
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("wav", "flac", "ogg", "mp3"):
            path = Path(folder) / f"sound.{ending}"
            write_audio(path, np.stack(sides), FROM_RATE)
            np.testing.assert_allclose(whole(path), peer(path), atol=1e-5)
            times = [
                [cpu_seconds(read, path) for read in (stream, whole, peer)]
                for _ in range(options.rounds)
            ]
            ours, all_ours, theirs = (
                statistics.median(column) for column in zip(*times, strict=True)
            )
            print(
                f"{ending:6} {ours:10.3f} s {all_ours:9.3f} s {theirs:11.3f} s"
                f" {theirs / ours:13.1f}x {theirs / all_ours:13.1f}x"
            )


if __name__ == "__main__":
    main()

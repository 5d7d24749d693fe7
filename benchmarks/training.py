"""Throughput of training against a plain PyTorch loop with librosa features, as one writes it.

    python benchmarks/training.py [--clips 2000] [--epochs 4] [--model tc_net] [--json FILE]

The same network, batches, optimiser, schedule and augmentation (shifted in time, louder or softer,
two time masks and two band masks), on the same one-second clips, which are synthesised. The peer
holds all samples in memory, describes them in the worker processes of its DataLoader, and keeps
these from one epoch to the next. Both have one thread a process, and run in turns with no, one and
two worker processes; the first epoch of each run is not counted. The fastest of each is compared.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import librosa
import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from ossicle.audio import read_audio, write_audio
from ossicle.datasets import Dataset, read_dataset
from ossicle.features import LogMel
from ossicle.models.networks import architecture
from ossicle.training.run import TIMES, read_lines
from ossicle.training.training import train

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
RATE, N_LABELS, BATCH = 16_000, 12, 64
SIZE = {"n_fft": 512, "hop_length": 160, "n_mels": 40}
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-2
SHIFT, GAIN = 0.1, 6.0  # seconds, dB
TIME_MASKS, TIME_MASK, BAND_MASKS, BAND_MASK = 2, 10, 2, 5  # widths in frames and in bands
AUGMENTATION = {
    "shift": [-SHIFT, SHIFT],
    "gain": [-GAIN, GAIN],
    "time_masks": TIME_MASKS,
    "time_mask": TIME_MASK,
    "band_masks": BAND_MASKS,
    "band_mask": BAND_MASK,
}


def clips(folder: Path, count: int) -> Dataset:
    """Noisy tones of twelve pitches, one second each."""
    rng = np.random.default_rng(0)
    seconds = np.arange(RATE) / RATE
    for number in range(count):
        label = number % N_LABELS
        tone = 0.2 * np.sin(2 * np.pi * (200.0 + 100.0 * label) * seconds)
        noisy = (tone + 0.05 * rng.normal(size=RATE)).astype(np.float32)
        write_audio(folder / f"tone {label:02d}" / f"{number:05d}.wav", noisy, RATE)
    return read_dataset(folder)


class LibrosaClips(TorchDataset):
    """The peer's data set: samples in memory, described when asked for."""

    def __init__(self, dataset: Dataset) -> None:
        self.samples = [read_audio(clip.path)[0] for clip in dataset]
        self.targets = dataset.targets().tolist()
        spectra = np.stack([self.log_mel(samples) for samples in self.samples])
        self.mean, self.scale = spectra.mean(axis=(0, 1)), spectra.std(axis=(0, 1))

    @staticmethod
    def log_mel(samples: np.ndarray) -> np.ndarray:
        mel = librosa.feature.melspectrogram(y=samples, sr=RATE, center=False, **SIZE)
        return librosa.power_to_db(mel, top_db=None).T

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        rng = np.random.default_rng()
        shift = int(rng.uniform(-SHIFT, SHIFT) * RATE)
        loudness = 10.0 ** (rng.uniform(-GAIN, GAIN) / 20.0)
        samples = np.float32(loudness) * np.roll(self.samples[index], shift)
        features = (self.log_mel(samples) - self.mean) / self.scale
        for axis, masks, widest in ((0, TIME_MASKS, TIME_MASK), (1, BAND_MASKS, BAND_MASK)):
            for _ in range(masks):
                width = rng.integers(widest + 1)
                first = rng.integers(features.shape[axis] - width + 1)
                masked = slice(first, first + width)
                features[(masked, slice(None)) if axis == 0 else (slice(None), masked)] = 0.0
        return torch.from_numpy(features.astype(np.float32)), self.targets[index]


def plain_epochs(
    dataset: LibrosaClips, model: str, epochs: int, n_workers: int
) -> Iterator[tuple[float, float]]:
    """Seconds of each epoch, and of waiting for batches in it."""
    loader = DataLoader(
        dataset,
        batch_size=BATCH,
        shuffle=True,
        num_workers=n_workers,
        persistent_workers=n_workers > 0,
        prefetch_factor=4 if n_workers else None,
        worker_init_fn=lambda _: torch.set_num_threads(1),
    )
    frames = LibrosaClips.log_mel(dataset.samples[0])
    module = architecture(model).build(
        n_frames=frames.shape[0], n_bands=frames.shape[1], n_outputs=[N_LABELS], seed=0
    )
    optimizer = torch.optim.AdamW(module.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))
    loss_of = torch.nn.CrossEntropyLoss()
    for _ in range(epochs):
        module.train()
        started, waited, batches = time.perf_counter(), 0.0, iter(loader)
        for _ in range(len(loader)):
            asked = time.perf_counter()
            features, targets = next(batches)
            waited += time.perf_counter() - asked
            (logits,) = module(features)
            loss = loss_of(logits, targets)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        yield time.perf_counter() - started, waited


def our_epochs(
    dataset: Dataset, model: str, epochs: int, n_workers: int, folder: Path
) -> list[tuple[float, float]]:
    """Seconds of each epoch, and of waiting for batches in it."""
    run = train(
        dataset,
        front_end=LogMel(sample_rate=RATE, **SIZE),
        validation=dataset.subset(range(0, len(dataset), len(dataset) // BATCH)),
        out=folder / f"workers-{n_workers}",
        features=folder / "features",
        model=model,
        window=1.0,
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        augmentation=AUGMENTATION,
        n_workers=n_workers,
    )
    return [(line["training"], line["loading"]) for line in read_lines(run.path / TIMES)]


def row(epochs: list[tuple[float, float]], n_clips: int) -> dict[str, float]:
    """Clips a second, and the share of the time that was spent waiting for them."""
    seconds = statistics.median(each for each, _ in epochs[1:])
    waiting = statistics.median(waited / each for each, waited in epochs[1:])
    return {"clips_per_s": n_clips / seconds, "waiting": waiting}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--model", default="tc_net")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in ONE_THREAD):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    torch.set_num_threads(1)
    n, rows = arguments.clips, []
    with tempfile.TemporaryDirectory() as folder:
        dataset = clips(Path(folder) / "clips", n)
        plain = LibrosaClips(dataset)
        for workers in (0, 1, 2):
            peer = list(plain_epochs(plain, arguments.model, arguments.epochs, workers))
            ours = our_epochs(dataset, arguments.model, arguments.epochs, workers, Path(folder))
            rows.append({"workers": workers, "ossicle": row(ours, n), "plain": row(peer, n)})
    print(f"{arguments.model}, {n} clips of one second, batches of {BATCH}")
    print("workers   ossicle clips/s (waiting)   plain loop clips/s (waiting)   ratio")
    for each in rows:
        mine, theirs = each["ossicle"], each["plain"]
        print(
            f"{each['workers']:7d}   {mine['clips_per_s']:15.0f} ({mine['waiting']:7.0%})   "
            f"{theirs['clips_per_s']:18.0f} ({theirs['waiting']:7.0%})   "
            f"{mine['clips_per_s'] / theirs['clips_per_s']:5.2f}"
        )
    best = {name: max(r[name]["clips_per_s"] for r in rows) for name in ("ossicle", "plain")}
    print(f"the fastest of each: {best['ossicle'] / best['plain']:.2f} times")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "best": best}, indent=1))


if __name__ == "__main__":
    main()

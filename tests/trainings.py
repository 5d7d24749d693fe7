"""Words of a training that is over in a moment."""

SMALL_FRONT_END = {"sample_rate": 8_000, "n_fft": 256, "hop_length": 128, "n_mels": 20}

SMALL = (
    *(
        word
        for name, value in SMALL_FRONT_END.items()
        for word in ("--set", f"front_end.{name}={value}")
    ),
    *("--model", "dnn", "--set", "model.width=16", "--epochs", "2", "--batch-size", "16"),
    *("--set", "n_workers=0"),
)

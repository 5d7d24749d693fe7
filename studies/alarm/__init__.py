"""The in-situ alarm experiment on real sounds: `make study` writes docs/alarm-study.md."""

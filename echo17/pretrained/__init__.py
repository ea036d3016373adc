"""Pitch for a pretrained Whisper."""

from .hearing import PitchWhisper

__all__ = ["PitchWhisper"]

"""Pitch for a pretrained Whisper."""

from . import dreaming
from .hearing import PitchWhisper

__all__ = ["PitchWhisper", "dreaming"]

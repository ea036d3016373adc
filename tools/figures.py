"""Make the pictures in figures/ again: real speech where $ECHO17_DATA has it, a synthesised voice otherwise."""
import os
from pathlib import Path

import matplotlib
import torch

from echo17.audio import load_audio, log_mel
from echo17.pitch import extract_pitch, synthesize_voice
from echo17.rotary import PolarRotary

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (after the backend is chosen)

FIGURES = Path(__file__).resolve().parent.parent / "figures"
BLUE, ORANGE, SKY = "#0072B2", "#D55E00", "#56B4E9"


def speech():
    "Two seconds of read English, or of a synthesised voice."
    clips = sorted(Path(os.environ.get("ECHO17_DATA", "data")).glob("librispeech_sample/**/*.flac"))
    if clips: return load_audio(clips[0])[16000:48000]
    melody = 150 + 40 * torch.sin(torch.arange(200) / 25)
    return synthesize_voice(torch.where(torch.arange(200) % 70 < 55, melody, 0.))


def overview(path):
    "Spectrogram with its pitch; below it two rotary pairs, as in standard RoPE and as the pitch bends them."
    wave = speech()
    pitch, mel = extract_pitch(wave, 16000), log_mel(wave)
    seconds = torch.arange(len(pitch.f0)) * pitch.hop_seconds
    f0 = torch.where(pitch.voiced, pitch.f0, torch.nan)
    figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(8, 5.4), sharex=True, layout="constrained", height_ratios=(2, 1, 1))
    top.imshow(mel.T, origin="lower", aspect="auto", cmap="magma", extent=(0, float(seconds[-1]), 0, 80))
    top.set(ylabel="mel band")
    axis = top.twinx()
    axis.plot(seconds, f0, color=SKY, linewidth=3)
    axis.set(ylabel="f0, Hz", ylim=(50, 350))
    rotary = PolarRotary.echo(64)
    with torch.no_grad(): rotary.radius_strength.fill_(0.5)
    with_pitch = rotary.rotations(len(seconds), pitch.f0[None])[0].detach()
    standard = PolarRotary(64, modulate_theta=False, radius="unit", alias_free=True).rotations(len(seconds))[0].detach()
    for ax, pair in ((middle, 3), (bottom, 6)):
        ax.plot(seconds, standard[:, pair].real, color="0.6", linewidth=1, linestyle="--", label="without pitch")
        ax.plot(seconds, with_pitch[:, pair].real, color=ORANGE, linewidth=1.5, label="with pitch")
        ax.plot(seconds, with_pitch[:, pair].abs(), color=BLUE, linewidth=1.2, label="its radius")
        ax.set(ylabel=f"pair {pair}", ylim=(-3, 3))
    middle.legend(ncols=3, loc="upper right", fontsize=8)
    bottom.set(xlabel="time, s", xlim=(0, float(seconds[-1])))
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    FIGURES.mkdir(exist_ok=True)
    overview(FIGURES / "overview.png")
    print("wrote figures/overview.png")

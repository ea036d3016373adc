"""Each wire of the model is cut in the source of its notebook, and the notebook's own tests must notice."""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NOTEBOOK = Path(__file__).resolve().parent.parent / "nbs" / "09_model.ipynb"

CUTS = {  # what is lost: (the line's text, what it becomes)
    "f0 does not reach the rotations": ("self.rotary.rotations(x.shape[1], f0, mask)", "self.rotary.rotations(x.shape[1], None, None)"),
    "f0 does not reach the bias": ("pitch_similarity(f0, mask) if", "torch.zeros_like(pitch_similarity(f0, mask)) if"),
    "the baseline hears f0": ("pitch_similarity(f0, mask) if self.config.similarity != \"none\" else None", "None; x = x + batch.f0.mean()"),
    "only the last feature arrives": ("x = sum(encoder(", "*_, x = (encoder("),
    "theta is not an option": ("config.width // config.heads, config.theta,", "config.width // config.heads, 10000.,"),
    "phase is not an option": ("config.modulate_theta, config.phase,", "config.modulate_theta, 'position',"),
    "aliasing is not an option": ("config.alias_free, config.learn_theta, config.f_max)", "False, config.learn_theta, config.f_max)"),
    "the decoder sees the future": ("rotations=rotations, causal=True, cache=caches[0]", "rotations=rotations, cache=caches[0]"),
    "one step does not know how many came before": ("seen = 0 if caches is None else caches[0][0].length", "seen = 0"),
    "padding leaks through the front end": ("F.gelu(convolution(x * frame_mask(lengths, x.shape[2])[:, None]))", "F.gelu(convolution(x))"),
    "padding leaks through the local convolution": ("F.glu(self.enter(x), -1) * mask[..., None]", "F.glu(self.enter(x), -1)"),
    "padding leaks through self-attention": ("rotations=rotations, similarity=similarity, mask=mask)", "rotations=rotations, similarity=similarity, mask=None)"),
    "pitch does not turn queries and keys": ("rotations[:, None] * self.axis(pitch[..., 0])", "rotations[:, None] * self.axis(0 * pitch[..., 0])"),
    "values do not carry pitch": ("self.values(pitch)\n", "self.values(0 * pitch)\n"),
    "the code is not added before the blocks": ("x = x + self.code(pitch)", "x = x + 0 * self.code(pitch)"),
    "the code is not added to the memory": ('x = x + self.code(shared["pitch"])', 'x = x + 0 * self.code(shared["pitch"])'),
    "the output is never turned back": ('self.turn_back = config.polar_values == "returned"', "self.turn_back = False"),
    "the level is not an option": ("self.config.pitch_level, self.config.pitch_smoothing)", "0., self.config.pitch_smoothing)"),
    "the smoothing is not an option": ("self.config.pitch_level, self.config.pitch_smoothing)", "self.config.pitch_level)"),
    "padding leaks through cross-attention": ("self.cross_norm(x), memory, mask=mask, cache=caches[1]", "self.cross_norm(x), memory, cache=caches[1]"),
    "padding leaks through f0": ("stride_f0(batch.f0 * frames, self.config.stride)", "stride_f0(batch.f0, self.config.stride)"),
    "the front end gets no gradient": ("return self.drop(x), dict(rotations", "return self.drop(x.detach()), dict(rotations"),
    "loading leaves the weights as they were": ("try: model.load_state_dict(weights)", "try: pass"),
}


def notices(cut, folder):
    "Whether the notebook fails once `cut` is made; None for no cut at all. Returns (failed, what it said)."
    cells = [c["source"] for c in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    code = "\n\n".join(source for source in map("".join, cells) if "nbdev_export" not in source)
    if cut:
        old, new = CUTS[cut]
        assert old in code, f"{cut}: the notebook no longer holds {old!r}"
        code = code.replace(old, new)
    script = folder / f"{abs(hash(cut))}.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=NOTEBOOK.parent, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return done.returncode != 0, done.stderr[-600:]


def test_every_cut_is_noticed(tmp_path):
    failed, said = notices(None, tmp_path)
    assert not failed, said
    with ThreadPoolExecutor(2) as pool: found = dict(zip(CUTS, pool.map(lambda cut: notices(cut, tmp_path), CUTS)))
    unnoticed = [cut for cut, (failed, _) in found.items() if not failed]
    broken = {cut: said for cut, (failed, said) in found.items() if failed and any(f"{kind}Error: " in said.splitlines()[-1] for kind in ("Syntax", "Name", "Attribute", "Import"))}
    assert not unnoticed and not broken, (unnoticed, broken)

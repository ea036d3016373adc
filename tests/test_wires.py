"""Each wire of the model is cut in the source of its notebook, and the notebook's own tests must notice."""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

NBS = Path(__file__).resolve().parent.parent / "nbs"
ROTARY = "PolarRotary(width // config.heads, how, config.features.f_max)"
PITCH = "pitch_state(f0, step, how.pitch_level, how.pitch_smoothing, voicing=voicing)"

CUTS = {  # notebook to what is lost: (a piece of its code, what it becomes)
    "10_attention": {
        "the future is hidden by a table": ("triangle, dropout = given.is_triangle(self),", "triangle, dropout = False,"),
        "the past is counted from the first query": ("self.keys == self.x.shape[1] > 1", "self.x.shape[1] > 1"),
        "a mask stays where it was": ("mask.to(device)[:, None, None, :]", "mask[:, None, None, :]"),
        "a layer takes another one's keys": ("if memory.layer is not layer:", "if False:"),
        "a memory takes a cache": ("given.similarity, given.turn, given.cache))", "given.similarity, given.turn))"),
        "the bias has no strength": ("(self.strength / self.scale)[:, None, None]", "(0 * self.strength)[:, None, None]"),
        "features count in the scale": ("return (self.width // self.heads) ** -.5 if", "return self.width ** -.5 if"),
        "features of a consonant are heard": ("self.sizes * angles.sin()], -1) * voiced[..., None]", "self.sizes * angles.sin()], -1)"),
        "keys stay where their rows were": ("if len(self.keys) == 1: return self", "return self"),
        "one row of keys is copied": ("if len(self.keys) == 1: return self", "pass"),
    },
    "17_decoding": {
        "a draw is not held to words": ("_draw(log_probs, *how), lexicon)", "_draw(log_probs, *how), None)"),
        "a beam is not held to words": (
            "if forbidden is not None: candidates = candidates.masked_fill(forbidden, -torch.inf)", "pass"),
        "nodes stay where their rows were": (
            "lexicon.step(nodes[rows], token)", "lexicon.step(nodes[:len(rows)], token)"),
        "half a word is written at the limit": (
            "count = lexicon.whole(hypothesis.tokens)", "count = len(hypothesis.tokens)"),
        "words end after the sound": ("min(seconds, seconds_per_frame * frame)", "seconds_per_frame * frame"),
    },
    "19_batch": {
        "f0 may be anything": ("if (bad := ~(f0.isfinite() & (f0 >= 0))).any():", "if (bad := f0 < 0).any():"),
        "f0 may be negative": ("(bad := ~(f0.isfinite() & (f0 >= 0)))", "(bad := ~f0.isfinite())"),
        "features may be anything": ("(fine := x.isfinite())", "(fine := x == x)"),
        "a probability may be anything": ('check_voicing(item["voicing"])', "pass"),
        "the probability is lost": ("tuple(ids), voicing=voicing)", "tuple(ids))"),
        "nobody is deaf": ("self.heard is not None and bool((self.heard < 0).any())", "False"),
        "a mask stays where the lengths are": ("device = device or lengths.device", "device = lengths.device"),
    },
    "20_model": {
        "f0 does not reach the rotations": (
            "self.rotary.turns(x.shape[1], *((f0, mask) if how.follows_pitch else ()))",
            "self.rotary.turns(x.shape[1])"),
        "f0 does not reach the bias": (
            "alike(f0, mask) if",
            "torch.zeros_like(alike(f0, mask)) if"),
        "the baseline hears f0": (
            'alike(f0, mask) if how.similarity != "none" else None',
            "None; x = x + batch.f0.mean()"),
        "only the last feature arrives": ("x = x + encoder(level(", "x = encoder(level("),
        "loudness arrives": ("level(feature, real) if name in _LEVELLED else feature", "feature"),
        "theta is not an option": (ROTARY, ROTARY.replace("how", "replace(how, theta=10000.)")),
        "frequencies are not an option": (
            ROTARY,
            ROTARY.replace("how", 'replace(how, frequencies="geometric", alias_free=False)')),
        "phase is not an option": (ROTARY, ROTARY.replace("how", 'replace(how, phase="position")')),
        "aliasing is not an option": (ROTARY, ROTARY.replace("how", "replace(how, alias_free=False)")),
        "learning theta is not an option": (ROTARY, ROTARY.replace("how", "replace(how, learn_theta=False)")),
        "the highest f0 is not an option": (ROTARY, ROTARY.replace("config.features.f_max", "500.")),
        "the decoder sees the future": (
            "rotations=rotations, causal=True, cache=cache)",
            "rotations=rotations, cache=cache)"),
        "one step does not know how many came before": (
            "seen = 0 if caches is None else caches[0].length",
            "seen = 0"),
        "padding leaks through the front end": (
            "x, step = x * frame_mask(lengths, x.shape[2], x.device)[:, None], convolution.stride[0]",
            "step = convolution.stride[0]"),
        "padding leaks through the local convolution": (
            "F.glu(self.enter(x), -1) * mask[..., None]",
            "F.glu(self.enter(x), -1)"),
        "padding leaks through self-attention": (
            "rotations=rotations, similarity=similarity, mask=mask)",
            "rotations=rotations, similarity=similarity, mask=None)"),
        "pitch does not turn queries and keys": (
            "rotations.further(self.axis.angles(pitch[..., 0]))",
            "rotations.further(self.axis.angles(0 * pitch[..., 0]))"),
        "values do not carry pitch": ("ValueTurn(self.values.turns(pitch),", "ValueTurn(self.values.turns(0 * pitch),"),
        "the code is not added before the blocks": ("x = x + self.code(pitch)", "x = x + 0 * self.code(pitch)"),
        "the code is not added to the memory": (
            'x = x + self.code(shared["pitch"])',
            'x = x + 0 * self.code(shared["pitch"])'),
        "the output is never turned back": (
            'self.turn_back = how.polar_values == "returned"',
            "self.turn_back = False"),
        "the level is not an option": (PITCH, PITCH.replace("how.pitch_level", "0.")),
        "the smoothing is not an option": (PITCH, PITCH.replace(", how.pitch_smoothing", "")),
        "padding leaks through cross-attention": (
            "self.cross_norm(x), memory, mask=mask)",
            "self.cross_norm(x), memory)"),
        "padding leaks through f0": ("stride_f0(batch.f0 * real, stride)", "stride_f0(batch.f0, stride)"),
        "what lies behind a clip counts in its mean": (
            ", stride) * mask if how.uses_pitch",
            ", stride) if how.uses_pitch"),
        "the line through the pauses goes on in the padding": (
            "fill_f0(batch.f0 * real) * real",
            "fill_f0(batch.f0 * real)"),
        "padding bends the line through the pauses": ("fill_f0(batch.f0 * real)", "fill_f0(batch.f0)"),
        "padding leaks through the feature pitch": (
            "pitch_channels(batch.f0 * real, voicing",
            "pitch_channels(batch.f0, voicing"),
        "what lies behind a clip counts in its soft mean": ("(x * mask for x in coarse)", "(x for x in coarse)"),
        "the line through the pauses reaches no position": ('if how.voicing == "soft":', "if False:"),
        "the probability reaches no position": (PITCH, PITCH.replace("voicing=voicing", "voicing=None")),
        "the line through the pauses is not the feature": ('if name == "pitch" and soft:', "if False:"),
        "the probability is not in the feature": ("voicing=batch.voicing)", "voicing=0 * batch.voicing)"),
        "without a probability it guesses": (
            'if config.positions.voicing == "hard" or batch.voicing is not None: return',
            "return"),
        "the front end gets no gradient": (
            "return self.drop(x), dict(rotations",
            "return self.drop(x.detach()), dict(rotations"),
        "the memory has no places": ("self.norm(x) + self.places(x)", "self.norm(x) + 0 * self.places(x)"),
        "nothing is dropped in training": (
            "self.feed_forward, self.drop = FeedForward(config.width), nn.Dropout(config.dropout)",
            "self.feed_forward, self.drop = FeedForward(config.width), nn.Dropout(0.)"),
        "the task is not read": ("self.vocabulary + first[:, None]", "self.vocabulary + 0 * first[:, None]"),
        "a task can be written": ("self.embedding.weight[:self.vocabulary].T", "self.embedding.weight.T"),
        "the network does not pass the task on": ("*heard, tasks=batch.tasks)", "*heard)"),
        "each row hears its own clip": (
            "memory, mask = memory[heard], mask[heard]",
            "own = torch.arange(len(heard)) % len(memory); memory, mask = memory[own], mask[own]"),
        "who hears nothing hears something": (
            "torch.where(silent[..., None], self.decoder.unheard.to(memory), memory)",
            "memory"),
        "scalars that start at 0 take relative steps": (
            '_ZERO_STARTED = ("log_theta", "radius_strength", "strength", "unheard")',
            '_ZERO_STARTED = ("log_theta", "radius_strength", "unheard")'),
        "what hears nothing takes relative steps": ('"strength", "unheard")', '"strength")'),
        "a mask stays where the lengths are": (
            "mask = frame_mask(lengths, memory.shape[1], memory.device)",
            "mask = frame_mask(lengths, memory.shape[1])"),
        "it is asked of the device who hears nothing": (
            "if not deaf: return memory, mask",
            "if not silent.any(): return memory, mask"),
        "a picture shows what is dropped": ("    with evaluating(encoder):", "    if True:"),
        "the mode is not put back": ("        for part, training in modes: part.training = training", "        pass"),
    },
    "21_state": {
        "a step does not know the task": ("if self.tasks is None else self.tasks)", "if True else self.tasks)"),
        "a row that moves leaves its task behind": (
            "self.tasks = self.tasks[index]",
            "self.tasks = self.tasks[torch.arange(len(index)) % len(self.tasks)]"),
        "rows that move hear what others heard": ("self.ears.turn_to(self.ears.rows[index])", "pass"),
        "rows that move remember what others wrote": ("self.past.reorder(index)", "pass"),
        "all hear the first clip": ("heard == before: return", "heard or before: return"),
        "the end of a shorter clip is heard": ("None if mask.all() else mask[:, None, None]", "None"),
        "the newest position is not seen": ("held[:t + 1, number]", "held[:max(t, 1), number]"),
        "all positions are the first": ("self.turns[t])", "self.turns[0])"),
        "the past is forgotten where room is made": ("wider[:self.length] = self.held", "pass"),
    },
    "22_inference": {
        "loading leaves the weights as they were": ("try: model.load_state_dict(weights)", "try: pass"),
        "the facts are not saved": ("facts_to_json(model.facts)", "facts_to_json(Facts())"),
        "the facts are not loaded": ("Echo(config, tokenizer, facts, load", "Echo(config, tokenizer, Facts(), load"),
        "the lexicon does not reach a greedy search": (
            "len(memory), limits, memory.device, search.lexicon)", "len(memory), limits, memory.device)"),
        "old facts are not found": (
            "facts = facts_from_json(_read_text(facts_path), str(facts_path))",
            "facts = facts_from_json(_read_text(facts_path)) if facts_path != config_path else Facts()"),
        "the hub's facts are not fetched": ("for name in (FACTS_FILE, WORDS_FILE):", "for name in (WORDS_FILE,):"),
        "the hub's words are not fetched": ("for name in (FACTS_FILE, WORDS_FILE):", "for name in (FACTS_FILE,):"),
        "the words are not loaded": ("if words_path.is_file() else None)", "if False else None)"),
        "words of another model stay": ("else words_path.unlink(missing_ok=True)", "else None"),
        "what was fetched is not compared": ("for path in paths: _check_download(path)", "pass"),
        "the search does not reach the beam": (
            "len(memory), limits, search, ctc, lengths)",
            "len(memory), limits, SearchOptions(search.beam), ctc, lengths)"),
        "the search does not reach a batch": (
            "make_transcripts(self, search_batch(self, memory, lengths, ctc, search)",
            "make_transcripts(self, search_batch(self, memory, lengths, ctc)"),
        "the search does not reach what is asked": (
            "    with evaluating(model): return model.write(batch, search)",
            "    with evaluating(model): return model.write(batch)"),
        "the limits do not reach the search": ("_TOKENS_BEYOND + 2 * n) for n", "_TOKENS_BEYOND + 9 * n) for n"),
        "it hears while it is trained": (
            "    with evaluating(model): return model.write(batch, search)",
            "    return model.write(batch, search)"),
        "a batch is searched greedily": (
            "# tokens are not looked at\n    search:SearchOptions=SearchOptions()",
            "# tokens are not looked at\n    search:SearchOptions=SearchOptions(beam=1)"),
        "any tokenizer fits": ("if tokenizer is not None and len(tokenizer) != config.text.vocabulary", "if False"),
        "without a tokenizer it is saved": ("_check_saves(model)  # the mixin", "# the mixin"),
    },
}


def notices(notebook, cut, folder):
    "Whether the notebook fails once `cut` is made; None for no cut at all. Returns (failed, what it said)."
    cells = json.loads((NBS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    code = "\n\n".join(source for source in sources if "nbdev_export" not in source and "#| cuda" not in source)
    if cut:
        old, new = CUTS[notebook][cut]
        assert code.count(old) == 1, f"{cut}: the notebook must hold {old!r} once, not {code.count(old)} times"
        code = code.replace(old, new)
    script = folder / f"{abs(hash(cut))}.py"
    script.write_text(code, encoding="utf-8")
    quiet = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, script], cwd=NBS, capture_output=True, text=True, env=quiet)
    return done.returncode != 0, done.stderr[-600:]


def is_broken(said):
    "Whether the cut has made code that cannot run, which says nothing about the tests."
    return any(f"{kind}Error: " in said.splitlines()[-1] for kind in ("Syntax", "Name", "Attribute", "Import"))


@pytest.mark.parametrize("notebook", CUTS)
def test_every_cut_is_noticed(notebook, tmp_path):
    failed, said = notices(notebook, None, tmp_path)
    assert not failed, said
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(CUTS[notebook], pool.map(lambda cut: notices(notebook, cut, tmp_path), CUTS[notebook])))
    unnoticed = [cut for cut, (failed, _) in found.items() if not failed]
    broken = {cut: said for cut, (failed, said) in found.items() if failed and is_broken(said)}
    assert not unnoticed and not broken, (unnoticed, broken)

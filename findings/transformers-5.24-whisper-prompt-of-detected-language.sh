#!/usr/bin/env bash
# transformers 5.24.0, generate() of a multilingual Whisper whose generation configuration knows its tasks (task_to_id) but carries no forced_decoder_ids, as converted models do:
# with a language the decoder's prompt is start, language, transcribe, no timestamps; without one the language is detected, and the token that says "transcribe" is left out.
# So one sound gets two prompts, and may get two texts, although the detected and the given language are the same, and although transcribing is what is done when nothing is said.
# task="transcribe" brings the token back. Nothing is raised or logged. The script makes a tiny random Whisper and looks at what its decoder reads; it fails if this changes.
# It downloads about 3 GB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.11.0 transformers==5.24.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch
import transformers
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

BEGIN, ENGLISH, GERMAN, WRITE, TRANSLATE, PLAIN, END = 100, 101, 102, 110, 111, 120, 99
torch.manual_seed(0)
model = WhisperForConditionalGeneration(WhisperConfig(
    vocab_size=130, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
    encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=80, max_target_positions=32, pad_token_id=END,
    bos_token_id=END, eos_token_id=END, decoder_start_token_id=BEGIN)).eval()
model.generation_config = GenerationConfig(
    is_multilingual=True, lang_to_id={"<|en|>": ENGLISH, "<|de|>": GERMAN}, task_to_id=dict(transcribe=WRITE, translate=TRANSLATE),
    no_timestamps_token_id=PLAIN, decoder_start_token_id=BEGIN, pad_token_id=END, bos_token_id=END, eos_token_id=END)
sound, prompts, read = torch.randn(1, 80, 3000), {}, []
model.model.decoder.register_forward_pre_hook(
    lambda _, given, named: read.append(named.get("input_ids") if named.get("input_ids") is not None else given[0]), with_kwargs=True)
for told in ({}, dict(language="en"), dict(task="transcribe")):
    read.clear()
    model.generate(sound, max_new_tokens=1, **told)
    prompts[str(told)] = max(read, key=lambda ids: ids.shape[1])[0].tolist()
    print(f"{told!s:26} decoder begins with {prompts[str(told)]}")
detected, named, asked = prompts.values()
assert named == [BEGIN, ENGLISH, WRITE, PLAIN]
assert len(detected) == 3 and detected[1] in (ENGLISH, GERMAN) and WRITE not in detected
assert WRITE in asked
print(f"transformers {transformers.__version__}: with a detected language the prompt lacks the token of the task ({WRITE}); with a given one it has it")
print("as described")
PY

"""Train the model that comes with echo17 and put it into data/models/stories; an interrupted run in runs/stories goes on."""
from pathlib import Path

from echo17.shipped import make_model

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    result = make_model(ROOT / "runs" / "stories", ROOT / "data" / "models" / "stories")
    for split, found in result["measured"].items():
        for search, row in found.items(): print(f"{split}, {search}: word error {100 * row['wer']:.1f} % of {row['clips']} clips")
    print(f"wrote data/models/stories; the run is in {ROOT / 'runs' / 'stories'} (tensorboard --logdir runs/stories/tensorboard)")

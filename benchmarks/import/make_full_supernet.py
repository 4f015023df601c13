"""Makes what benchmarks/import reads: python3 make_full_supernet.py FOLDER [PICTURES]

A supernet of the official sizes with random weights, saved as the official checkpoint is (the stream of torch <= 1.5,
DataParallel's names), and PyTorch's logits for eight random paths in evaluation and in training mode. With PICTURES, a folder of
JPEGs, also the logits of the first path over each of them, preprocessed as torchvision's ImageNet recipe and as the official
code do for validation.

Beside it the network that the authors found by block and channel search, with random weights: searched.pth, and its logits.
"""
import json
import pathlib
import random
import sys
from collections import OrderedDict

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "fixtures"))
from official_network import Network, fill, images

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
sizes = dict(stem=16, repeats=(4, 4, 8, 4), stages=(64, 160, 320, 640), last=1024, classes=1000)
network = fill(Network(**sizes), 5)
state = OrderedDict((name, tensor.clone()) for name, tensor in network.state_dict().items())
torch.save({"state_dict": OrderedDict((f"module.{n}", t) for n, t in state.items())}, folder / "checkpoint.pth.tar", _use_new_zipfile_serialization=False)

random.seed(3)
rows = []
with torch.no_grad():
    pictures = images(2, 224)
    for _ in range(8):
        path = [random.randrange(4) for _ in range(20)]
        row = {"path": path}
        for mode in ("eval", "train"):
            network.load_state_dict(state)
            network.train(mode == "train")
            row[mode] = network(pictures, path).flatten().tolist()
        rows.append(row)
(folder / "logits.json").write_text(json.dumps(rows))

# ShuffleNet-Series, OneShot/network.py.
path = [0, 0, 3, 1, 1, 1, 0, 0, 2, 0, 2, 1, 1, 0, 2, 0, 2, 1, 3, 2]
scales = [6, 5, 3, 5, 2, 6, 3, 4, 2, 5, 7, 5, 4, 6, 7, 4, 4, 5, 4, 3]
searched = fill(Network(**sizes, affine=True, path=path, scales=scales), 6)
torch.save(searched.state_dict(), folder / "searched.pth")
with torch.no_grad():
    row = {"path": path, "scales": scales, "eval": searched.eval()(pictures).flatten().tolist(), "train": searched.train()(pictures).flatten().tolist()}
(folder / "searched.json").write_text(json.dumps([row]))

if len(sys.argv) > 2:
    from PIL import Image

    from preprocessing import normalised, official_validation, standard_validation

    # A data set of one class.
    data = folder / "pictures"
    data.mkdir(exist_ok=True)
    (data / "all").unlink(missing_ok=True)
    (data / "all").symlink_to(pathlib.Path(sys.argv[2]).resolve())
    network.load_state_dict(state)
    network.eval()
    rows = {"path": rows[0]["path"], "standard": [], "spos": []}
    with torch.no_grad():
        for file in sorted(f for f in (data / "all").iterdir() if f.suffix.lower() in (".jpg", ".jpeg")):
            picture = Image.open(file).convert("RGB")
            official = torch.from_numpy(official_validation(picture, 224).transpose(2, 0, 1).copy()).float()
            rows["standard"].append(network(normalised(standard_validation(picture, 224))[None], rows["path"]).flatten().tolist())
            rows["spos"].append(network(official[None], rows["path"]).flatten().tolist())
    (folder / "pictures.json").write_text(json.dumps(rows))

"""PyTorch's side of equal logits: makes a network of random weights with pictures and logits in double precision, and compares.

    logits.py make FOLDER [--image-size 224] [--batch-size 4] [--device cuda]
    logits.py compare FOLDER LOGITS...

Needs PyTorch and numpy. FOLDER gets network.pth, images.f32 (NHWC) and expected.f64, and single.f32 by PyTorch in single precision.
"""
import argparse
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests" / "fixtures")]
from official_network import Network, fill, images  # noqa: E402

PATH = [2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3]
# Some sixty layers of single precision, each off by a little: the same bound as for the exported graph in the tests.
TOLERANCE = 1e-4


def write(path, tensor):
    path.write_bytes(tensor.cpu().contiguous().numpy().tobytes())


def read(path, dtype):
    return torch.frombuffer(bytearray(path.read_bytes()), dtype=dtype).double()


def make(folder, size, batch, device):
    network = fill(Network(16, [4, 4, 8, 4], [64, 160, 320, 640], 1024, 1000, path=PATH), 1).eval()
    pictures = images(batch, size)
    torch.save(network.state_dict(), folder / "network.pth")
    write(folder / "images.f32", pictures.permute(0, 2, 3, 1))
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    with torch.no_grad():
        write(folder / "single.f32", network.to(device)(pictures.to(device)))
        write(folder / "expected.f64", network.cpu().double()(pictures.double()))


def compare(folder, files):
    expected = read(folder / "expected.f64", torch.float64)
    largest = expected.abs().max()

    def error(path):
        return ((read(path, torch.float32) - expected).abs().max() / largest).item()

    own = error(folder / "single.f32")
    worst = 0.0
    for file in files:
        # NaN compares as larger than anything.
        value = error(file) if len(read(file, torch.float32)) == len(expected) else float("nan")
        worst = max(worst, value) if value == value else float("inf")
        print(f"{file.stem}: off by {value:.1e} of the largest logit; PyTorch in single precision by {own:.1e}")
    return worst <= max(TOLERANCE, 4 * own)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["make", "compare"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("logits", type=pathlib.Path, nargs="*")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if options.action == "make":
        make(options.folder, options.image_size, options.batch_size, options.device)
    elif not compare(options.folder, options.logits):
        sys.exit("the logits are not PyTorch's")


if __name__ == "__main__":
    main()

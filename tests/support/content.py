"""Labs as people publish them: a notebook with plots, tables and formulas, a README, data."""

import base64
import io
import json
import math
import random
import struct
import tarfile
import zlib
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

README = """# Two moons, two layers

A tiny classifier in plain numpy: enough to watch a decision boundary bend.

| file | what it is |
|---|---|
| `main.ipynb` | the experiment, from data to boundary |
| [data/moons.csv](data/moons.csv) | 200 points, two classes |
| `model.py` | the two layers |

The loss is $\\mathcal{L} = -\\frac{1}{n}\\sum_i y_i \\log \\hat{y}_i$. Run it with

```python
from model import train
train(epochs=400)
```
"""

MODEL = '''"""Two layers, trained by hand."""

import numpy as np


def train(x, y, *, hidden=16, epochs=400, rate=0.1):
    """Return the weights after `epochs` steps of gradient descent."""
    rng = np.random.default_rng(0)
    w1 = rng.normal(size=(x.shape[1], hidden))  # first layer
    w2 = rng.normal(size=(hidden, 1))
    for _ in range(epochs):
        h = np.tanh(x @ w1)
        p = 1 / (1 + np.exp(-(h @ w2)))
        grad = (p - y[:, None]) / len(y)
        w2 -= rate * h.T @ grad
        w1 -= rate * x.T @ ((grad @ w2.T) * (1 - h**2))
    return w1, w2
'''


def png(width: int, height: int, pixel: Any) -> bytes:
    """Return an image; `pixel(x, y)` gives red, green and blue of 0-255."""
    rows = b"".join(
        b"\0" + bytes(part for x in range(width) for part in pixel(x, y)) for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@cache
def moons() -> bytes:
    """Return a picture of a decision boundary between two half moons."""
    chance = random.Random(3)  # noqa: S311
    points = []
    for number in range(160):
        turn = math.pi * chance.random()
        upper = number % 2 == 0
        x = math.cos(turn) if upper else 1 - math.cos(turn)
        y = math.sin(turn) if upper else 0.5 - math.sin(turn)
        points.append((x + chance.gauss(0, 0.09), y + chance.gauss(0, 0.09), upper))

    dots: dict[tuple[int, int], tuple[int, int, int]] = {}
    for px, py, upper in points:
        column, row = round((px + 1.4) * 420 / 3.8), round((1.5 - py) * 280 / 2.5)
        for dx in range(-4, 5):
            for dy in range(-4, 5):
                if dx * dx + dy * dy <= 10:
                    dots[column + dx, row + dy] = (11, 110, 117) if upper else (217, 98, 43)
                elif dx * dx + dy * dy <= 17:
                    dots.setdefault((column + dx, row + dy), (255, 255, 255))

    def pixel(column: int, row: int) -> tuple[int, int, int]:
        if (column, row) in dots:
            return dots[column, row]
        x, y = -1.4 + column * 3.8 / 420, 1.5 - row * 2.5 / 280
        bend = y - 0.25 - 0.62 * math.sin(1.9 * (x - 0.5) + math.pi)
        share = 1 / (1 + math.exp(-5 * bend))
        cold, warm = (205, 232, 233), (250, 224, 208)
        red, green, blue = (
            round(c * share + w * (1 - share)) for c, w in zip(cold, warm, strict=True)
        )
        return red, green, blue

    return png(420, 280, pixel)


def loss_plot() -> str:
    """Return a line plot as SVG."""
    points = [
        (40 + i * 4.2, 190 - 150 * (1 - math.exp(-i / 22)) + 4 * math.sin(i)) for i in range(100)
    ]
    flipped = " ".join(f"{x:.1f},{230 - y:.1f}" for x, y in points)
    grid = "".join(f'<path d="M40 {y}H460" stroke="#dfe4ea"/>' for y in range(40, 200, 40))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 240" width="480" height="240">'
        f'{grid}<path d="M40 20V200H460" fill="none" stroke="#55606e"/>'
        f'<polyline points="{flipped}" fill="none" stroke="#0b6e75" stroke-width="2"/>'
        '<text x="250" y="230" font-family="sans-serif" font-size="12" text-anchor="middle">epoch'
        '</text><text x="14" y="110" font-family="sans-serif" font-size="12" '
        'transform="rotate(-90 14 110)" text-anchor="middle">loss</text></svg>'
    )


def cell(kind: str, source: str, name: str, outputs: Any = None, count: int = 0) -> dict[str, Any]:
    """Return a notebook cell."""
    made: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": source}
    if kind == "code":
        made |= {"outputs": outputs or [], "execution_count": count or None}
    return made


def shows(**data: Any) -> dict[str, Any]:
    """Return an output; `image__png` stands for image/png."""
    named = {name.replace("__", "/").replace("_xml", "+xml"): value for name, value in data.items()}
    return {"output_type": "display_data", "data": named, "metadata": {}}


def prints(text: str, name: str = "stdout") -> dict[str, Any]:
    """Return what a cell printed."""
    return {"output_type": "stream", "name": name, "text": text}


def notebook(cells: list[dict[str, Any]], **metadata: Any) -> bytes:
    """Return a notebook file."""
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
             "language_info": {"name": "python"}} | metadata  # fmt: skip
    tree = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(tree, indent=1).encode()


FRAME = """<div><style scoped>.dataframe tbody tr th { vertical-align: top; }</style>
<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>x</th>
<th>y</th><th>label</th></tr></thead><tbody>
<tr><th>0</th><td>0.8812</td><td>0.4901</td><td>upper</td></tr>
<tr><th>1</th><td>1.7030</td><td>-0.3127</td><td>lower</td></tr>
<tr><th>2</th><td>-0.4417</td><td>0.9024</td><td>upper</td></tr>
<tr><th>3</th><td>0.1264</td><td>-0.0218</td><td>lower</td></tr>
</tbody></table><p>200 rows × 3 columns</p></div>"""

TRACEBACK = [
    "\x1b[0;31m---------------------------------------------------------------------------\x1b[0m",
    "\x1b[0;31mValueError\x1b[0m                                Traceback (most recent call last)",
    "Cell \x1b[0;32mIn[6], line 2\x1b[0m",
    "\x1b[1;32m      1\x1b[0m batch = x[:7]",
    "\x1b[0;32m----> 2\x1b[0m \x1b[43mbatch\x1b[49m @ w1.T\n",
    "\x1b[0;31mValueError\x1b[0m: matmul: dimension mismatch, (7, 2) and (16, 2)",
]


def moons_notebook(name: str = "Two moons") -> bytes:
    """Return a notebook as one would wish to read it."""
    plot = base64.b64encode(moons()).decode()
    return notebook(
        [
            cell("markdown", f"# {name}\n\nHow far does a *very* small network get? Two layers, "
                 "sixteen hidden units, no framework. The data are the [two moons](data/moons.csv).",
                 "intro"),
            cell("markdown", "## The data", "data"),
            cell("code", "import numpy as np\nimport pandas as pd\n\nframe = pd.read_csv("
                 '"data/moons.csv")  # 200 points\nframe.head(4)', "read",
                 [shows(text__html=FRAME, text__plain="x y label")], 1),
            cell("markdown", "## The model\n\nFor one point $x \\in \\mathbb{R}^2$ the network gives"
                 "\n\n$$\\hat{y} = \\sigma\\left(w_2^\\top \\tanh(W_1 x)\\right), \\qquad "
                 "\\sigma(z) = \\frac{1}{1 + e^{-z}}$$\n\nand we minimise the cross-entropy:\n\n"
                 "\\begin{align}\n\\mathcal{L} &= -\\frac{1}{n} \\sum_{i=1}^{n} y_i \\log \\hat{y}_i"
                 " \\\\\n&\\quad + (1 - y_i) \\log (1 - \\hat{y}_i)\n\\end{align}", "model"),
            cell("code", "for epoch in range(0, 400, 100):\n    loss = step(x, y)\n"
                 '    print(f"epoch {epoch:>3}  loss {loss:.4f}")', "train",
                 [prints("epoch   0  loss 0.7311\nepoch 100  loss 0.2874\n"
                         "epoch 200  loss 0.1120\nepoch 300  loss \x1b[32m0.0713\x1b[0m\n"),
                  prints("RuntimeWarning: overflow encountered in exp\n", "stderr")], 2),
            cell("code", "plt.plot(losses)", "loss",
                 [shows(image__svg_xml=loss_plot(), text__plain="<Figure>")], 3),
            cell("markdown", "## The boundary\n\n> It bends exactly where it should.\n\n"
                 "- teal: upper moon\n- orange: lower moon", "boundary"),
            cell("code", "show_boundary(w1, w2, frame)", "plot",
                 [shows(image__png=plot, text__plain="<Figure size 640x480>")], 4),
            cell("markdown", "### What goes wrong\n\nShapes, as always.", "wrong"),
            cell("code", "batch = x[:7]\nbatch @ w1.T", "error",
                 [{"output_type": "error", "ename": "ValueError", "evalue": "matmul",
                   "traceback": TRACEBACK}], 6),
        ]
    )  # fmt: skip


def moons_csv() -> bytes:
    """Return a table of 200 points."""
    chance = random.Random(1)  # noqa: S311
    rows = ["x,y,label"]
    for number in range(200):
        turn = math.pi * chance.random()
        upper = number % 2 == 0
        x = math.cos(turn) if upper else 1 - math.cos(turn)
        y = math.sin(turn) if upper else 0.5 - math.sin(turn)
        rows.append(f"{x:.4f},{y:.4f},{'upper' if upper else 'lower'}")
    return "\n".join(rows).encode()


def moons_lab(name: str = "Two moons") -> dict[str, bytes]:
    """Return the files of a lab by path."""
    return {
        "main.ipynb": moons_notebook(name),
        "README.md": README.encode(),
        "model.py": MODEL.encode(),
        "data/moons.csv": moons_csv(),
        "figures/boundary.png": moons(),
        "requirements.txt": b"numpy>=2\nmatplotlib\n",
    }


def tar_of(files: Mapping[str, bytes], *, executable: Collection[str] = ()) -> io.BytesIO:
    """Return files as a tar, as a publish sends them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files.items():
            head = tarfile.TarInfo(path)
            head.size = len(content)
            head.mode = 0o755 if path in executable else 0o644
            tar.addfile(head, io.BytesIO(content))
    packed.seek(0)
    return packed

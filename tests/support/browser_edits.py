"""Edits in a browser by the library, compared with those of the pipeline."""

import base64

import numpy as np

from sargan_hf.images import load_image

EDIT = """async ([data, name, options]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const portrait = await window.editor.open(new Blob([bytes]), name);
  try {
    const { pixels, regions, description } = await portrait.edit(options);
    let text = "";
    for (let at = 0; at < pixels.data.length; at += 32768) {
      text += String.fromCharCode(...pixels.data.subarray(at, at + 32768));
    }
    const { width, height } = pixels;
    return { width, height, data: btoa(text), regions, description, notes: portrait.notes, format: portrait.format };
  } finally {
    await portrait.close();
  }
}"""


def edited(library, content: bytes, **options) -> tuple[np.ndarray, dict]:
    """What the library makes of a file: uint8 [H, W, 4], and what else it says."""
    answer = library.evaluate(EDIT, [base64.b64encode(content).decode(), "picture.jpg", options])
    pixels = np.frombuffer(base64.b64decode(answer["data"]), np.uint8)
    return pixels.reshape(answer["height"], answer["width"], 4), answer


def assert_same(library, pipe, content: bytes, python=None, **options) -> str:
    """The same pixels as Python's within the region on average, and the picture's own outside of it.

    Returns what the edit says of itself.
    """
    python = options if python is None else python
    got, answer = edited(library, content, **options)
    output = pipe(content, **python)
    expected = np.asarray(output.images[0].convert("RGBA")).astype(int)
    own = np.asarray(load_image(content).to_image().convert("RGBA")).astype(int)
    assert got.shape == expected.shape
    mine, theirs = (np.zeros(got.shape[:2], bool) for _ in range(2))
    for (left, top, right, bottom), face in zip(answer["regions"], output.faces, strict=True):
        mine[top:bottom, left:right] = True
        theirs[slice(*face.region[1::2]), slice(*face.region[::2])] = True
    if (mine | theirs).any():  # a neutral face stays as it is
        assert np.abs(got - expected)[mine | theirs, :3].mean() <= 1.0
    assert (got == own)[~mine].all()
    assert (got[..., 3] == own[..., 3]).all()
    return answer["description"]

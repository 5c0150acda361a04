"""Sizes of pictures from the beginning of their base64."""

from __future__ import annotations

import pytest

from proxy.tokens.image import image_size
from tests.tokens.pictures import picture

KINDS = ("png", "gif", "webp", "webp lossless", "webp extended", "jpeg")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (3000, 4000)])
def test_formats(kind: str, size: tuple[int, int]) -> None:
    assert image_size(picture(*size, kind=kind)) == size


@pytest.mark.parametrize("filling", [100, 5000, 150_000])
def test_a_jpeg_with_a_preview(filling: int) -> None:
    assert image_size(picture(800, 600, kind="jpeg", filling=filling)) == (800, 600)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_short_has_no_size_and_does_no_harm(kind: str) -> None:
    whole = picture(640, 480, kind=kind)
    for end in range(0, len(whole), 4):
        assert image_size(whole[:end]) in (None, (640, 480))


@pytest.mark.parametrize("data", ["", "A", "AAAA", "not base64!", "Qk0=" * 40, "/9j/" + "/" * 4000])
def test_no_picture(data: str) -> None:
    assert image_size(data) is None

"""Discrete Fourier transforms: ``torch.fft``, with complex numbers as a last axis of 2."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site

COMPLEX = "torch.complex(*{0}.unbind(-1))"


def fft(site: Site) -> Form:
    """``fft`` or ``ifft``."""
    name, axis = "ifft" if site.op.inverse else "fft", site.op.along(site.types[0])
    return site.text(f"torch.view_as_real(torch.fft.{name}({COMPLEX}, dim={axis}))")


def rfft(site: Site) -> Form:
    """``rfft``."""
    axis = site.op.along(site.types[0], complex=False)
    return site.text(f"torch.view_as_real(torch.fft.rfft({{0}}, dim={axis}))")


def irfft(site: Site) -> Form:
    """``irfft``."""
    (x,) = site.types
    size = site.sizes([site.op.count(x)])[1:-2]
    return site.text(f"torch.fft.irfft({COMPLEX}, n={size}, dim={site.op.along(x)})")


RULES: dict[str, Lowering] = {"fft": fft, "rfft": rfft, "irfft": irfft}

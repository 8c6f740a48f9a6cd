"""Generated modules of what has no function in PyTorch alone: their gradients are those of finite differences."""

from __future__ import annotations

import pytest

from archdsl.driver import load

NETWORKS = {
    "conv of samples": """
      input x: f64[2, 4, 5, 5]
      input w: f64[2, 6, 2, 3, 3]
      y: x -> conv(6, 3, stride = 2, groups = 2, bias = false, weight = w)""",
    "conv_transpose of samples": """
      input x: f64[2, 4, 3]
      input w: f64[2, 4, 3, 2]
      y: x -> conv_transpose(6, 2, stride = 2, groups = 2, bias = false, weight = w)""",
    "deform_conv": """
      input x: f64[2, 4, 5, 4]
      input offsets: f64[2, 36, 5, 4]
      input m: f64[2, 18, 5, 4]
      input w: f64[3, 4, 3, 3]
      y: x -> deform_conv(offsets, 3, 3, bias = false, weight = w, mask = m)""",
    "grid_sample": """
      input x: f64[2, 3, 4, 5]
      input grid: f64[2, 3, 4, 2]
      y: x -> grid_sample(grid * 0.6, pad = border)""",
    "attend": """
      input q: f64[2, 4, 3, 5]
      input k: f64[2, 2, 6, 5]
      input v: f64[2, 2, 6, 3]
      input near: f64[4, 1, 6]
      y: q -> attend(k, v, mask = near, causal = true, sliding_window = 3, softcap = 2.0, scale = 0.7)""",
    "attend to what may be seen": """
      input q: f64[2, 2, 3, 4]
      input k: f64[2, 2, 5, 4]
      input v: f64[2, 2, 5, 4]
      input lengths: f64[2, 5]
      y: q -> attend(k, v, mask = greater(lengths, constant(0.0)) -> unsqueeze(1) -> unsqueeze(1))""",
    "unfold and fold": """
      input x: f64[2, 3, 5]
      y: unfold(3, dilation = 2, pad = [1, 0]) -> fold([5], 3, dilation = 2, pad = [1, 0])""",
    "scaled weights": """
      input x: f64[1, 2, 3, 3]
      input v: f64[4, 2, 3, 3]
      let w = v -> layer_norm(axes = [1, 2, 3], scale = false, shift = false)
      y: x -> conv(4, 3, bias = false, weight = w)""",
}


@pytest.mark.reference
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_differences(name: str) -> None:
    import torch
    from torch_module import module_of

    graph = load(f"arch 1\nnetwork Net() {{{NETWORKS[name]}\n  output result = y\n}}\n").graph()
    torch.manual_seed(1)
    inputs = [
        torch.randn([int(str(n)) for n in value.type.shape], dtype=torch.float64, requires_grad=True)
        for value in graph.inputs
    ]
    assert torch.autograd.gradcheck(module_of(graph), inputs)


@pytest.mark.reference
@pytest.mark.parametrize("dtype", ["bool", "f64"])
def test_a_query_that_sees_nothing_has_no_gradient(dtype: str) -> None:
    """It gives zeros, whose gradient is 0 and no NaN; that of the others is there."""
    import torch
    from torch_module import module_of

    text = f"""arch 1
    network Net() {{
      input q: f64[1, 2, 3, 4]
      input k: f64[1, 2, 3, 4]
      input v: f64[1, 2, 3, 4]
      input near: {dtype}[3, 3]
      y: q -> attend(k, v, mask = near)
      output result = y
    }}
    """
    torch.manual_seed(3)
    q, k, v = (torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True) for _ in range(3))
    near = torch.tensor([[1, 1, 1], [0, 0, 0], [0, 1, 1]], dtype=torch.bool)
    mask = near if dtype == "bool" else torch.where(near, 0.0, -torch.inf).double()
    y = module_of(load(text).graph())(q, k, v, mask)
    (y**2).sum().backward()
    assert not y[:, :, 1].any() and q.grad is not None and not q.grad[:, :, 1].any()
    for x in (q, k, v):
        assert x.grad is not None and x.grad.isfinite().all() and x.grad.any()


@pytest.mark.reference
@pytest.mark.parametrize("samples", [0, 2])
@pytest.mark.parametrize("operator", ["roi_align", "roi_pool"])
def test_gradients_of_regions(operator: str, samples: int) -> None:
    import torch
    from torch_module import module_of

    more = f", samples = {samples}" if operator == "roi_align" else ""
    text = f"""arch 1
    network Net() {{
      input x: f64[2, 3, 6, 7]
      input boxes: f64[2, 4]
      input images: i64[2]
      y: x -> {operator}(boxes, images, 2{more})
      output result = y
    }}
    """
    module = module_of(load(text).graph())
    boxes = torch.tensor([[0.3, 0.7, 4.1, 5.2], [1.2, -0.4, 6.3, 3.1]], dtype=torch.float64)
    torch.manual_seed(2)
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64, requires_grad=True)
    images = torch.tensor([1, 0])
    assert torch.autograd.gradcheck(lambda t: module(t, boxes, images), [x])

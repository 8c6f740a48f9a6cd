"""Second sources of one-stage detectors: torchvision's, or written from the papers with `torch.nn` by others than the
specs' authors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from second import Arrays, Second
from second_maps import picture


def renamed(net: Any, rules: Iterable[tuple[str, str]]) -> Any:
    """The same network, whose checkpoints have other names: each pattern is replaced, one after the other."""
    rules = list(rules)

    def hook(module: Any, state: dict[str, Any], *_: Any) -> None:
        for path, value in [*state.items()]:
            del state[path]
            for pattern, by in rules:
                path = re.sub(pattern, by, path)
            state[path] = value

    net.register_state_dict_post_hook(hook)
    return net


def heads(*names: str) -> Callable[[Any, Arrays], Arrays]:
    """The maps of a list, by our names."""
    return lambda net, x: dict(zip(names, net(x["image"]), strict=True))


def detector(
    variant: str, small: dict[str, Any], names: str, other: Callable[[], Any], full: Callable[[], Any], outputs: Any,
    side: int, native: int,
) -> Second:  # fmt: skip
    return Second(
        variant, {**small, "res": side}, names, other, picture(3, side), outputs, {"N": 2}, {"N": (1, 3)}, full,
        ({"N": 1, "res": native}, {"N": 2, "res": side}),
    )  # fmt: skip


def yolo_v1(local: bool = False) -> Second:
    def make(**given: Any) -> Any:
        from torch_yolo import V1, YoloV1

        stages: list[list[Any]] = [[]]  # ours end at a maximum, and begin at a stride
        for layer in V1:
            stages += [[]] if layer == "max" or (layer[2] == 2 and stages[-1]) else []
            stages[-1] += [layer] * (layer != "max")
        places = enumerate((i, j) for i, stage in enumerate(stages) for j in range(len(stage)))
        rules = [(rf"^(conv|norm)\.{k}\.", rf"stage.{i}.\1.{j}.") for k, (i, j) in places]
        last = [("^local", "untied"), (r"^fc\.0", "fc")] if local else [(r"^fc\.0", "fc1"), (r"^fc\.1", "fc")]
        return renamed(YoloV1(local=local, norms=local, boxes=3 if local else 2, **given), rules + last)

    small = {"width": 0.125, "hidden": 24, "classes": 3}
    return detector(
        "yolo_v1_cfg" if local else "yolo_v1", small, "", lambda: make(res=128, **small), lambda: make(),
        lambda net, x: {"predictions": net(x["image"])}, 128, 448,
    )._replace(full_sizes=({"N": 1, "res": 448}, {"N": 2, "res": 448}))  # fmt: skip


def yolo_v1_cfg() -> Second:
    return yolo_v1(local=True)


DARKNET = [
    (r"\.0\.([a-z_]+)$", r".conv.\1"), (r"\.1\.([a-z_]+)$", r".bn.\1"), (r"^darknet.stem", "darknet.stem.conv1"),
    (r"^darknet.down\.(\d+)", r"darknet.stages.\1.conv_down"),
    (r"^darknet.stage\.(\d+)\.(\d+)\.0", r"darknet.stages.\1.blocks.\2.conv1"),
    (r"^darknet.stage\.(\d+)\.(\d+)\.1", r"darknet.stages.\1.blocks.\2.conv2"),
]  # fmt: skip


def darknet() -> Second:
    """With the slope of the author's."""

    def make(*given: Any) -> Any:
        from torch_yolo import Darknet53

        rules = [(r"^(stem|down|stage)\.", r"darknet.\1."), *DARKNET, (r"^darknet", "body")]
        return renamed(Darknet53(*given), rules)

    depths = [1, 1, 2, 1, 1]
    return detector(
        "darknet53", {"c": 4, "depths": depths, "classes": 3, "slope": 0.1}, "", lambda: make(depths, 0.125, 3),
        lambda: make([1, 2, 8, 8, 4], 1.0, 1000), lambda net, x: {"logits": net(x["image"])}, 64, 256,
    )  # fmt: skip


def yolov3() -> Second:
    def make(*given: Any) -> Any:
        from torch_yolo import YoloV3

        rules = [
            *DARKNET, (r"^head\.1\.reduce", "narrow.0"), (r"^head\.2\.reduce", "narrow.1"),
            (r"^head\.(\d)\.set", r"sets.\1"), (r"^head\.(\d)\.wide", r"wide.\1"), (r"^head\.(\d)\.predict", r"head.\1"),
        ]  # fmt: skip
        return renamed(YoloV3(*given), rules)

    depths = [1, 1, 2, 1, 1]
    return detector(
        "yolov3", {"c": 4, "depths": depths, "classes": 3}, "", lambda: make(3, depths, 0.125), lambda: make(80),
        heads("p5", "p4", "p3"), 64, 416,
    )  # fmt: skip


def yolov5() -> Second:
    def make(*given: Any) -> Any:
        from torch_yolo_csp import YoloV5

        return YoloV5(*given)

    return detector(
        "yolov5s", {"width": 0.125, "classes": 3}, "ultralytics", lambda: make(3, 0.33, 0.125), lambda: make(80),
        heads("p3", "p4", "p5"), 64, 640,
    )  # fmt: skip


def yolov8(masks: int = 0) -> Second:
    def make(*given: Any, **options: Any) -> Any:
        from torch_yolo_csp import YoloV8

        return YoloV8(*given, **options)

    def outputs(net: Any, x: Arrays) -> Arrays:
        import torch

        found = net(x["image"])
        bins, logits = torch.cat([m.flatten(2) for m in found[:3]], 2).split([64, net.classes], 1)
        n, _, count = bins.shape
        mean = net.model[22].dfl.conv(bins.reshape(n, 4, 16, count).softmax(2).transpose(1, 2))
        named = dict(zip(("coefficients", "prototypes"), found[3:]))
        return {"distances": mean[:, 0], "logits": logits, **named}

    small, sizes = {"width": 0.0625, "classes": 3, "masks": masks}, (80, 0.33, 0.25, 1024)
    return detector(
        "yolov8n_seg" if masks else "yolov8n", small, "ultralytics",
        lambda: make(3, 0.33, 0.0625, 1024, masks=masks), lambda: make(*sizes, masks=32 if masks else 0), outputs, 64, 640,
    )  # fmt: skip


def yolov8_seg() -> Second:
    return yolov8(4)


def yolox() -> Second:
    def make(*given: Any) -> Any:
        from torch_yolox import YoloX

        return YoloX(*given)

    return detector(
        "yolox_s", {"width": 0.125, "classes": 3}, "yolox", lambda: make(3, 0.33, 0.125), lambda: make(80),
        heads("p3", "p4", "p5"), 64, 640,
    )  # fmt: skip


def ssd() -> Second:
    """torchvision's, whose channels are a sixteenth."""

    def make(part: int, classes: int) -> Any:
        import torch
        from torch import nn
        from torch_models import torchvision_models

        class Narrow(nn.Conv2d):
            def __init__(self, in_channels: int, out_channels: int, *others: Any, **named: Any) -> None:
                super().__init__(in_channels // part or 3, out_channels // part, *others, **named)

        kept, models = nn.Conv2d, torchvision_models()
        try:
            nn.Conv2d = Narrow  # type: ignore[misc]
            layers = SimpleNamespace(features=models.vgg.make_layers(models.vgg.cfgs["D"]))
            body = models.detection.ssd._vgg_extractor(layers, False, 5)
        finally:
            nn.Conv2d = kept  # type: ignore[misc]
        body.scale_weight = nn.Parameter(torch.ones(512 // part))
        anchors = models.detection.anchor_utils.DefaultBoxGenerator(
            [[2], [2, 3], [2, 3], [2, 3], [2], [2]], scales=[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
            steps=[8, 16, 32, 64, 100, 300],
        )  # fmt: skip
        return raw(body, anchors, (300, 300), classes)

    return Second(
        "ssd300_vgg16", {"width": 4, "classes": 4}, "", lambda: make(16, 4), picture(3, 300), torchvisions, {"N": 2},
        {"N": (1, 3)}, lambda: make(1, 91), ({"N": 1}, {"N": 2}),
    )  # fmt: skip


def raw(*given: Any, **named: Any) -> Any:
    """torchvision's SSD, up to what its heads give: what follows needs its compiled operators."""
    from torch_models import torchvision_models

    class Raw(torchvision_models().detection.ssd.SSD):
        def forward(self, image: Any) -> Any:
            return self.head([*self.backbone(image).values()])

    return Raw(*given, **named)


def torchvisions(net: Any, x: Arrays) -> Arrays:
    found = net(x["image"])
    return {"logits": found["cls_logits"], "deltas": found["bbox_regression"]}


def ssdlite() -> Second:
    def make(width: float, classes: int, side: int) -> Any:
        from functools import partial

        from torch import nn
        from torch_models import torchvision_models

        models, norm = torchvision_models(), partial(nn.BatchNorm2d, eps=1e-3)
        lite = models.detection.ssdlite
        rows, last = models.mobilenetv3._mobilenet_v3_conf("mobilenet_v3_large", width, reduced_tail=True)
        features = models.MobileNetV3(rows, last, norm_layer=norm).features
        body = lite.SSDLiteFeatureExtractorMobileNet(features, 13, norm, width)
        anchors = models.detection.anchor_utils.DefaultBoxGenerator([[2, 3]] * 6, min_ratio=0.2, max_ratio=0.95)
        wide = models.detection._utils.retrieve_out_channels(body, (side, side))
        head = lite.SSDLiteHead(wide, [6] * 6, classes, norm)
        return raw(body, anchors, (side, side), classes, head=head)

    return detector(
        "ssdlite320_mobilenet_v3_large", {"width": 0.25, "classes": 4}, "torchvision", lambda: make(0.25, 4, 128),
        lambda: make(1.0, 91, 320), torchvisions, 128, 320,
    )  # fmt: skip


def efficientdet() -> Second:
    """With TensorFlow's padding, and biases in front of norms."""

    def make(*given: Any) -> Any:
        from torch_efficientdet import EfficientDet

        parts = ("expand", "depthwise", "squeeze", "excite", "project")
        units = [("0", "0", "1.fc1", "1.fc2", "2"), ("0", "1", "2.fc1", "2.fc2", "3")]
        rules = [(r"^stem\.", "stem.0."), (r"^stem_norm", "stem.1")]
        for stage, names in (("0", units[0]), (r"\d+", units[1])):
            for part, name in zip(parts, names):
                conv, norm = (name, "") if "fc" in name else (f"{name}.0", f"{name}.1")
                rules.append((rf"^blocks\.({stage})\.(\d+)\.{part}\.", rf"stage.\1.\2.block.{conv}."))
                rules.append((rf"^blocks\.({stage})\.(\d+)\.{part}_norm\.", rf"stage.\1.\2.block.{norm}."))
        for i, p in enumerate(("3", "4", "5", "4b", "5b", "6")):
            rules += [(rf"^lateral\.{p}\.0", f"side.{i}.conv"), (rf"^lateral\.{p}\.1", f"side.{i}.bn")]
        for i, p in enumerate(("p6", "p5", "p4", "n3", "n4", "n5", "n6", "n7")):
            rules.append((rf"^fpn\.(\d+)\.{p}", rf"cell.\1.{'td' if i < 4 else 'bu'}.{i % 4}"))
        rules += [(r"^(cell\.\d+\.\w+\.\d+)\.weight", r"\1.edge_weights"), (r"^(cell.*)norm", r"\1bn")]
        rules += [(r"^(cell.*)depthwise", r"\1conv_dw"), (r"^(cell.*)pointwise", r"\1conv_pw")]
        rules += [(r"^(\w+_net)\.norm\.0\.", r"\1.tower.bn_rep.")]
        rules += [(rf"^(\w+_net)\.norm\.{i}\.", rf"\1.tower_{i + 1}.bn_rep.") for i in range(1, 5)]
        rules += [(r"^(\w+_net)\.conv\.", r"\1.tower.conv_rep."), (r"^(\w+_net)\.predict", r"\1.tower.predict")]
        rules += [(r"^(\w+_net.*)depthwise", r"\1conv_dw"), (r"^(\w+_net.*)pointwise", r"\1conv_pw")]
        return renamed(EfficientDet(*given), rules)

    def outputs(net: Any, x: Arrays) -> Arrays:
        import torch

        maps = net(x["image"])
        rows = [m.permute(0, 2, 3, 1).reshape(len(m), -1, m.shape[1] // 9) for m in maps]
        return {"logits": torch.cat(rows[:5], 1), "deltas": torch.cat(rows[5:], 1)}

    small = [(1, 3, 1, 8, 1), (2, 3, 6, 8, 2), (2, 5, 6, 16, 2), (3, 3, 6, 24, 2), (3, 5, 6, 32, 1), (4, 5, 6, 48, 2),
             (1, 3, 6, 80, 1)]  # fmt: skip
    return detector(
        "tf_efficientdet_d0", {"width": 0.25, "c": 8, "cells": 2, "depth": 2, "classes": 3}, "",
        lambda: make(3, 8, 2, 2, 8, small), lambda: make(), outputs, 128, 512,
    )  # fmt: skip


ONESTAGE: dict[str, Callable[[], Second]] = {
    make.__name__: make
    for make in (darknet, yolo_v1, yolo_v1_cfg, yolov3, yolov5, yolov8, yolov8_seg, yolox, ssd, ssdlite, efficientdet)
}

"""How long the zoo's specs are beside torchvision's, timm's and transformers' definitions of the same networks.

    python tools/length.py            # a Markdown table, the median ratio and the largest
    python tools/length.py --write    # the page docs/length.md

What is counted, on both sides: the lines that are neither blank nor comment (nor, in Python, docstring) of every
definition that the compared networks need, each once a family, however many variants share it.

Ours: the variants that the other library also has, with all their claims; their networks; and, followed by name, all
blocks and tables of the spec, of specs it uses and of the standard library. ``use`` lines and the edition count, too.

Theirs: the functions that build these networks and, followed by name, the classes, functions and tables of the module
that defines them; of detectors and networks for segmentation those of ``PARTS``, too. Not counted there, in their
favour: imports, decorators, and whatever other modules give (layers, factories) and weights with their metadata
(``*_Weights``, ``*_cfg``), which are no part of a definition.
timm is asked where torchvision has no such network (not for RepVGG, MobileOne, DarkNet-53 and ECA-ResNet, which are
made by builders of many families), and transformers for networks on text. What transformers' classes do besides, as
caches, losses and several ways of masking, is counted with them. Their source is read where it is installed, without
importing it.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

import archdsl
from archdsl.modules.module import Module
from archdsl.reading import find_target

PAGE = Path(__file__).parent.parent / "docs" / "length.md"

SAME = {
    "torchvision.models": {
        "alexnet": "alexnet",
        "vgg": "vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn vgg19_bn",
        "googlenet": "googlenet",
        "inception_v3:inception": "inception_v3",
        "squeezenet": "squeezenet1_0 squeezenet1_1",
        "resnet": "resnet18 resnet34 resnet50 resnet101 resnet152",
        "resnext:resnet": "resnext50_32x4d resnext101_32x8d resnext101_64x4d",
        "wide_resnet:resnet": "wide_resnet50_2 wide_resnet101_2",
        "densenet": "densenet121 densenet161 densenet169 densenet201",
        "mobilenet_v2:mobilenetv2": "mobilenet_v2",
        "mobilenet_v3:mobilenetv3": "mobilenet_v3_large mobilenet_v3_small",
        "mnasnet": "mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3",
        "shufflenet_v2:shufflenetv2": "shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0",
        "efficientnet": " ".join(f"efficientnet_b{k}" for k in range(8)),
        "efficientnet_v2:efficientnet": "efficientnet_v2_s efficientnet_v2_m efficientnet_v2_l",
        "fcn:segmentation/fcn": "fcn_resnet50 fcn_resnet101",
        "deeplab:segmentation/deeplabv3": "deeplabv3_resnet50 deeplabv3_resnet101 deeplabv3_mobilenet_v3_large",
        "lraspp:segmentation/lraspp": "lraspp_mobilenet_v3_large",
        "faster_rcnn:detection/faster_rcnn": "fasterrcnn_resnet50_fpn fasterrcnn_resnet50_fpn_v2",
        "retinanet:detection/retinanet": "retinanet_resnet50_fpn retinanet_resnet50_fpn_v2",
        "fcos:detection/fcos": "fcos_resnet50_fpn",
        "ssd:detection/ssd": "ssd300_vgg16",
        "ssdlite:detection/ssdlite": "ssdlite320_mobilenet_v3_large",
        "video_resnet:video/resnet": "r3d_18 mc3_18 r2plus1d_18",
        "vit:vision_transformer": "vit_b_16 vit_b_32 vit_l_16 vit_l_32 vit_h_14",
        "swin:swin_transformer": "swin_t swin_s swin_b",
        "swin_v2:swin_transformer": "swin_v2_t swin_v2_s swin_v2_b",
        "maxvit": "maxvit_t",
    },
    "timm.models": {
        "inception_v4": "inception_v4",
        "inception_resnet:inception_resnet_v2": "inception_resnet_v2",
        "xception": "xception=legacy_xception",
        "se_resnet:senet": "seresnet50_v1=legacy_seresnet50 seresnet101_v1=legacy_seresnet101 "
        "seresnet152_v1=legacy_seresnet152",
        "senet": "senet154=legacy_senet154",
        "dpn": "dpn92 dpn98",
        "nasnet": "nasnetalarge",
        "pnasnet": "pnasnet5large",
        "nf_resnet:nfnet": "nf_resnet50 nf_resnet101",
        "convnext": " ".join(
            f"convnext_{n}" for n in ("atto", "femto", "pico", "nano", "tiny", "small", "base", "large")
        )
        + " convnextv2_atto convnextv2_nano convnextv2_base",
        "regnet": " ".join(
            f"regnet{n}" for n in ("x_002", "x_008", "x_032", "x_160", "y_004", "y_016", "y_032", "y_160")
        ),
        "ghostnet": "ghostnet_050 ghostnet_100 ghostnet_130",
        "res2net": "res2net50_26w_4s res2net50_48w_2s res2net50_26w_8s res2net101_26w_4s",
        "resnest": "resnest14d resnest26d resnest50d resnest101e",
        "repvit": "repvit_m0_9 repvit_m1_0 repvit_m1_1 repvit_m1 repvit_m2",
        "dla": "dla34 dla60",
        "vovnet": "ese_vovnet19b_dw ese_vovnet39b ese_vovnet57b ese_vovnet99b",
        "edgenext": "edgenext_xx_small edgenext_x_small edgenext_small",
        "fastvit": "fastvit_t8 fastvit_t12 fastvit_s12",
        "poolformer:metaformer": "poolformer_s12 poolformer_s24 poolformer_s36 poolformer_m36",
        "inception_next": "inception_next_atto inception_next_tiny inception_next_small inception_next_base",
        "starnet": "starnet_s1 starnet_s2 starnet_s3 starnet_s4",
        "fasternet": "fasternet_t0 fasternet_t1 fasternet_t2 fasternet_s fasternet_m fasternet_l",
        "cspnet": "cspresnet50 cspresnext50 cspdarknet53",
        "hrnet": "hrnet_w18 hrnet_w18_small hrnet_w18_small_v2 hrnet_w32 hrnet_w48",
        "bit:resnetv2": "resnetv2_50x1_bit resnetv2_101x1_bit resnetv2_50x3_bit",
        "mobilenet_v4:mobilenetv3": "mobilenetv4_conv_small mobilenetv4_conv_small_050 mobilenetv4_conv_medium "
        "mobilenetv4_hybrid_medium",
        "convmixer": "convmixer_768_32 convmixer_1024_20_ks9_p14 convmixer_1536_20",
        "deit": " ".join(
            f"deit_{size}{kind}_patch16_224" for kind in ("", "_distilled") for size in ("tiny", "small", "base")
        ),
        "mixer:mlp_mixer": "mixer_s32_224 mixer_s16_224 mixer_b16_224 mixer_l16_224",
        "resmlp:mlp_mixer": "resmlp_12_224 resmlp_24_224 resmlp_36_224",
        "gmlp:mlp_mixer": "gmlp_ti16_224 gmlp_s16_224",
        "levit": "levit_128s levit_128 levit_192 levit_256",
        "beit": "beit_base_patch16_224 beit_large_patch16_224",
        "coatnet:maxxvit": "coatnet_0_224 coatnet_1_224 coatnet_2_224 coatnet_3_224",
        "sam:vision_transformer_sam": "samvit_base_patch16 samvit_large_patch16 samvit_huge_patch16",
    },
    "transformers.models": {
        "bert:bert/modeling_bert": "bert_base=BertModel bert_large=BertModel",
        "gpt2:gpt2/modeling_gpt2": " ".join(f"gpt2{n}=GPT2LMHeadModel" for n in ("", "_medium", "_large", "_xl")),
        "t5:t5/modeling_t5": "t5_small=T5ForConditionalGeneration t5_base=T5ForConditionalGeneration",
        "llama:llama/modeling_llama": " ".join(f"llama_3_{n}=LlamaForCausalLM" for n in ("2_1b", "1_8b", "1_70b")),
        "qwen2:qwen2/modeling_qwen2": "qwen2_5_0_5b=Qwen2ForCausalLM",
        "mistral:mistral/modeling_mistral": "mistral_7b=MistralForCausalLM",
        "gemma:gemma/modeling_gemma": "gemma_2b=GemmaForCausalLM",
        "phi:phi/modeling_phi": "phi_2=PhiForCausalLM",
        "roberta:roberta/modeling_roberta": "roberta_base=RobertaModel",
        "distilbert:distilbert/modeling_distilbert": "distilbert_base=DistilBertModel",
        "electra:electra/modeling_electra": "electra_small=ElectraModel",
        "bart:bart/modeling_bart": "bart_base=BartForConditionalGeneration",
        "modernbert:modernbert/modeling_modernbert": "modernbert_base=ModernBertForMaskedLM",
        "whisper:whisper/modeling_whisper": " ".join(
            f"whisper_{n}=WhisperForConditionalGeneration"
            for n in ("tiny", "base", "small", "medium", "large", "large_v3")
        ),
        "wav2vec2:wav2vec2/modeling_wav2vec2": "wav2vec2_base=Wav2Vec2Model",
        "clip:clip/modeling_clip": " ".join(f"clip_vit_{n}=CLIPModel" for n in ("b_32", "b_16", "l_14")),
        "siglip:siglip/modeling_siglip": "siglip_base_patch16_224=SiglipModel",
        "segformer:segformer/modeling_segformer": " ".join(
            f"segformer_b{n}=SegformerForSemanticSegmentation" for n in (0, 1, 2, 5)
        ),
        "detr:detr/modeling_detr": "detr_resnet50=DetrForObjectDetection detr_resnet101=DetrForObjectDetection",
        "mamba:mamba/modeling_mamba": "mamba_130m=MambaForCausalLM mamba_370m=MambaForCausalLM",
        "mixtral:mixtral/modeling_mixtral": "mixtral_8x7b=MixtralForCausalLM",
    },
}
"""Library -> our file (and the library's module, if named otherwise) -> networks (and theirs, if named otherwise)."""

PARTS = {
    "fcn": "segmentation/_utils resnet",
    "deeplab": "segmentation/_utils resnet mobilenetv3",
    "lraspp": "mobilenetv3",
    "faster_rcnn": "detection/generalized_rcnn detection/rpn detection/roi_heads detection/backbone_utils resnet",
    "retinanet": "detection/backbone_utils resnet",
    "fcos": "detection/backbone_utils resnet",
    "ssd": "vgg",
    "ssdlite": "mobilenetv3",
}
"""Our file -> the modules of its network's backbone and heads, where torchvision gives them a file of their own."""

NOT_A_DEFINITION = re.compile(r".*_Weights$|_?(.*_)?cfgs?$|_COMMON.*|checkpoint_filter_fn|__all__|_logger")


class Row(NamedTuple):
    """The lines of one family, here and there."""

    family: str
    networks: int
    ours: int
    theirs: int
    source: str

    @property
    def ratio(self) -> float:
        """Below 1 where ours is shorter."""
        return self.ours / self.theirs


def rows() -> list[Row]:
    """All families that one of the libraries has, too."""
    found = []
    for library, families in SAME.items():
        for files, networks in families.items():
            family, _, module = files.partition(":")
            pairs = [pair.partition("=") for pair in networks.split()]
            ours = spec_lines(family, [mine for mine, _, _ in pairs])
            paths = [source_file(library, one) for one in [module or family, *PARTS.get(family, "").split()]]
            theirs = module_lines(paths, [other or mine for mine, _, other in pairs])
            found.append(Row(family, len(pairs), ours, theirs, f"{library}.{paths[0].stem}"))
    return found


def spec_lines(family: str, variants: list[str]) -> int:
    """Lines of the definitions that the variants of a spec need, and of the heads of the specs."""
    main = archdsl.load(find_target(family)[0]).module
    waiting: list[tuple[Module, str]] = [(main, name) for name in variants]
    seen: dict[tuple[str, str], int] = {}
    heads: dict[str, int] = {}
    while waiting:
        module, name = waiting.pop()
        while name in module.imports:
            module, imported = module.imports[name]
            name = imported.name
        definition = module.variants.get(name) or module.definitions.get(name)
        if definition is None or (module.source.name, name) in seen:
            continue
        lines = arch_lines(module.source.text[definition.span.start : definition.span.end])
        seen[module.source.name, name] = len(lines)
        if not module.library:
            heads[module.source.name] = len(re.findall(r"^(?:arch|use) ", module.source.text, re.MULTILINE))
        waiting += [(module, word) for word in sorted(set(re.findall(r"[A-Za-z_]\w*", " ".join(lines))))]
    return sum(seen.values()) + sum(heads.values())


def arch_lines(text: str) -> list[str]:
    """The lines that are neither blank nor comment."""
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def source_file(library: str, module: str) -> Path:
    """The file of a library's module."""
    package = find_spec(library.partition(".")[0])
    if package is None or package.origin is None:
        raise SystemExit(f"{library} is not installed")
    folder = Path(package.origin).parent / library.partition(".")[2]
    return folder / f"{module}.py"


def module_lines(paths: list[Path], networks: list[str]) -> int:
    """Lines of the definitions of a Python module, and of others beside it, that some of its functions need."""
    lines: dict[str, set[tuple[Path, int]]] = {}
    needed: dict[str, list[str]] = {}
    for path in reversed(paths):
        text = path.read_text(encoding="utf-8")
        counted = code_lines(text)
        for node in ast.parse(text).body:
            for name in names_of(node):
                lines[name] = {
                    (path, n) for n in counted & set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
                }
                needed[name] = [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    missing = [name for name in networks if name not in lines]
    if missing:
        raise SystemExit(f"{paths[0]} does not define {', '.join(missing)}")
    waiting, seen = list(networks), set()
    while waiting:
        name = waiting.pop()
        if name in lines and name not in seen and not NOT_A_DEFINITION.fullmatch(name):
            seen.add(name)
            waiting += needed[name]
    return len(set().union(*(lines[name] for name in seen)))


def names_of(node: ast.stmt) -> list[str]:
    """What a statement of a module defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def code_lines(text: str) -> set[int]:
    """The numbers of the lines that have code: no comment, no docstring."""
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in blank:
            found |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def table(found: list[Row]) -> str:
    """The comparison as Markdown."""
    lines = ["| spec | networks | lines | there | ratio | compared with |", "|---|--:|--:|--:|--:|---|"]
    lines += [
        f"| `{r.family}` | {r.networks} | {r.ours} | {r.theirs} | {r.ratio:.2f} | `{r.source}` |"
        for r in sorted(found, key=lambda r: r.ratio)
    ]
    longest = max(found, key=lambda r: r.ratio)
    middle = median(r.ratio for r in found)
    summary = f"Median ratio {middle:.2f}; the largest is {longest.ratio:.2f} (`{longest.family}`)."
    return "\n".join([*lines, "", summary]) + "\n"


def page() -> str:
    """The text of ``docs/length.md``."""
    one, two, three = (f"{name} {version(name)}" for name in ("torchvision", "timm", "transformers"))
    return f"""\
<!-- Written by tools/length.py --write: do not edit. -->
# The length of a spec

Lines that are neither blank nor comment, of the networks that {one}, {two} and {three} define, too. Counted here: the
variants with their claims, the networks, and all blocks that they use, those of the standard library included. Counted
there: the functions that build the same networks and the classes that they use in their module (of detectors and
networks for segmentation, in those of their backbone and heads), without imports, decorators, docstrings, weights and
what other modules give. A block or class counts once a family. The classes of transformers do more than their network
(caches, losses, several ways of masking), which is counted, too.
`python tools/length.py` counts; its docstring has the rules.

{table(rows())}"""


if __name__ == "__main__":
    from options import given

    if given(__doc__, write="write the page docs/length.md").write:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(table(rows()))

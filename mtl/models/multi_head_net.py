"""Multi-head network: one encoder-decoder of segmentation-models-pytorch, and a thin convolution per head."""

import difflib
from collections.abc import Sequence
from typing import Any

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from mtl.config import NetConfig
from mtl.data.channel_stack import channel_slices
from mtl.data.channels import InputChannel
from mtl.data.modality_masking import parse_input_sets
from mtl.models.architectures import decoder_options
from mtl.models.decoder_blocks import (
    measure_stage_widths,
    replace_with_bottlenecks,
    run_decoder_stages,
    stack_hypercolumn,
)
from mtl.models.head_layers import make_head_layers
from mtl.models.mask_residual import MaskResidual
from mtl.models.pretrained import PixelScale, load_imagenet_weights, widen_stem
from mtl.models.stacking import Stacking
from mtl.tasks.base import Head
from mtl.tasks.heads import FUSION, OBJECTS, collect_outputs, trap_outputs
from mtl.tasks.objects import NUMBERS
from targets.errors import UserError


class MultiHeadNet(nn.Module):
    """(B, C, H, W) inputs -> {head: (B, out_channels, H, W) logits}; H and W are multiples of 32.

    Parameters
    ----------
    config : NetConfig
        Architecture, encoder and what heads read.
    inputs : Sequence[InputChannel]
        Input channels, in the order of their planes; one that is a base comes last, and only its head sees it.
    heads : Sequence[Head]
        What is predicted.
    context : int, default 0
        0, or the inputs are (B, 2C, H, W): those of a square and, behind them, those of the square around it that is so
        many times as wide, reduced to the same size (`mtl.data.context.Context`).
    input_sets : Sequence[Sequence[str]], default ()
        Sets of inputs that a map may come with (`mtl.data.modality_masking.parse_input_sets`); empty: all of them.

    Examples
    --------
    >>> from mtl.data.channels import INPUTS
    >>> from mtl.tasks.heads import HEADS
    >>> config = NetConfig(encoder_weights="none", decoder_channels=[16, 16, 8, 8, 8])
    >>> net = MultiHeadNet(config, [INPUTS["rgb"], INPUTS["depth"]], [HEADS["trap"], HEADS["dist"]])
    >>> {name: tuple(logits.shape) for name, logits in net(torch.zeros(2, 4, 64, 96)).items()}
    {'trap': (2, 1, 64, 96), 'dist': (2, 1, 64, 96)}
    """

    encoder: nn.Module
    decoder: nn.Module
    object_numbers: Tensor | None

    def __init__(
        self,
        config: NetConfig,
        inputs: Sequence[InputChannel],
        heads: Sequence[Head],
        context: int = 0,
        input_sets: Sequence[Sequence[str]] = (),
    ) -> None:
        super().__init__()
        bases = {record.name: planes.start for record, planes in channel_slices(inputs) if record.is_base}
        seen = [record for record in inputs if not record.is_base]
        shared, scale = _encoder_decoder(config)
        widths = [shared.segmentation_head[0].in_channels]
        if config.hypercolumn or config.deep_supervision:
            widths = measure_stage_widths(shared.encoder, shared.decoder)
        widen_stem(shared.encoder, seen, config.stem, scale)
        self.encoder, self.decoder = shared.encoder, shared.decoder
        self.hypercolumn = config.hypercolumn
        width = sum(widths) if config.hypercolumn else widths[-1]
        self.context = context
        self.mix = make_context_mixing(width) if context else nn.Identity()
        self.input_skip_channels = sum(record.channels for record in seen) if config.inputs_to_heads else 0
        read = width + self.input_skip_channels
        self.heads = make_head_layers(read, heads, seen if config.inputs_to_heads else ())
        self.bases = len(bases)
        self.base_planes = {head.name: bases[head.residual_of] for head in heads if head.residual_of in bases}
        self.residuals = nn.ModuleDict({h.name: MaskResidual(read, h) for h in heads if h.name in self.base_planes})
        decides = any(head.derived is OBJECTS for head in heads)
        self.register_buffer("object_numbers", torch.zeros(NUMBERS) if decides else None)
        self.early = nn.ModuleList(make_head_layers(w, heads) for w in widths[:-1] if config.deep_supervision)
        outputs = collect_outputs(heads)
        members = trap_outputs([output for output in outputs if output is not FUSION])
        self.fusion = Stacking(members, input_sets or parse_input_sets(inputs, ())) if FUSION in outputs else None

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Logits of every head at the size of the input."""
        return self.head_logits(self.shared_features(x), x.shape[-2:], x)

    def shared_features(self, x: Tensor) -> Tensor:
        """The features that all heads read: (B, width, h, w) of inputs (B, C, H, W)."""
        return self.features(x)[0]

    def features(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The features that all heads read, and the decoder's earlier stages, coarse to fine, if deep supervision asks.

        With a context, encoder and decoder run on both squares in one batch, so that both are normalised alike. The
        middle of the wider one's features, enlarged to where it lies, is mixed in; the stages are those of the square
        itself.
        """
        x = self._without_bases(x)
        if self.context:
            both, stages = self._decode(rearrange(x, "b (square c) h w -> (square b) c h w", square=2))
            near, wide = rearrange(both, "(square b) c h w -> square b c h w", square=2)
            features = self.mix(torch.cat([near, enlarge_middle(wide, self.context)], 1))
            stages = [stage.chunk(2)[0] for stage in stages]
        else:
            features, stages = self._decode(x)
        if self.input_skip_channels:
            given = x[:, : self.input_skip_channels]
            given = F.interpolate(given, features.shape[-2:], mode="bilinear", align_corners=False)
            features = torch.cat([features, given], 1)
        return features, stages

    def _decode(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Encoder and decoder on squares (B, C, H, W): the last features, and the stages before them, if needed."""
        features = self.encoder(x)
        if not self.hypercolumn and not self.early:
            return self.decoder(features), []
        stages = run_decoder_stages(self.decoder, features)
        return stack_hypercolumn(stages) if self.hypercolumn else stages[-1], stages[:-1]

    def _without_bases(self, x: Tensor) -> Tensor:
        """Inputs (B, C, H, W), and of the square around them, without the masks that heads start from."""
        if not self.bases:
            return x
        squares = 2 if self.context else 1
        each = rearrange(x, "b (square c) h w -> b square c h w", square=squares)
        return rearrange(each[:, :, : -self.bases], "b square c h w -> b (square c) h w")

    def head_logits(self, shared: Tensor, size: torch.Size, x: Tensor | None = None) -> dict[str, Tensor]:
        """Logits of every head, at a size (H, W), from shared features.

        `x` are the inputs, of which heads take the mask that they start from; None: no head does.
        """
        logits = apply_heads(self.heads, shared, size)
        if x is not None:
            for name, residual in self.residuals.items():
                logits[name] = residual(logits[name], shared, x[:, self.base_planes[name], None])
        return logits

    def forget_changes(self) -> None:
        """Let heads that start from a mask answer with it alone, and closures be those of the rules."""
        for residual in self.residuals.values():
            residual.get_buffer("accepted").zero_()
        if self.object_numbers is not None:
            self.object_numbers.zero_()

    def deep_supervision_logits(self, stages: Sequence[Tensor], size: torch.Size) -> list[dict[str, Tensor]]:
        """Logits of every head from each earlier decoder stage, for deep supervision; empty without it."""
        return [apply_heads(heads, stage, size) for heads, stage in zip(self.early, stages, strict=False)]


def make_context_mixing(width: int) -> nn.Module:
    """The layer (B, 2 width, h, w) features of both squares -> (B, width, h, w); untrained, it adds them."""
    layer = nn.Conv2d(2 * width, width, 3, padding=1)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    with torch.no_grad():
        layer.weight.copy_(nn.init.dirac_(torch.empty(width, width, 3, 3)).repeat(1, 2, 1, 1))
    return nn.Sequential(layer, nn.ReLU())


def enlarge_middle(features: Tensor, factor: int) -> Tensor:
    """The middle of (B, C, h, w) features, a factor less wide and high, enlarged to h × w cells."""
    height, width = features.shape[-2:]
    top, left = (height - height // factor) // 2, (width - width // factor) // 2
    # one cell more on each side, so that the interpolation goes on beyond the middle's border
    middle = features[..., top - 1 : height - top + 1, left - 1 : width - left + 1]
    large = F.interpolate(middle, scale_factor=float(factor), mode="bilinear", align_corners=False)
    return large[..., factor:-factor, factor:-factor]


def apply_heads(heads: nn.Module, features: Tensor, size: torch.Size) -> dict[str, Tensor]:
    """Logits of every head, at a size (H, W), from features (B, width, h, w) that may be smaller."""
    assert isinstance(heads, nn.ModuleDict)
    plain = {name: head for name, head in heads.items() if type(head) is nn.Conv2d}
    logits = {name: head(features) for name, head in heads.items() if name not in plain}
    if plain:  # as one convolution, which costs hardly more than one head
        weight, bias = (torch.cat([getattr(head, part) for head in plain.values()]) for part in ("weight", "bias"))
        planes = F.conv2d(features, weight, bias, padding=1).split([head.out_channels for head in plain.values()], 1)
        logits |= dict(zip(plain, planes, strict=True))
    logits = {name: logits[name] for name in heads}
    if features.shape[-2:] != size:  # DeepLabV3+ decodes at a quarter of the size
        logits = {n: F.interpolate(v, size, mode="bilinear", align_corners=False) for n, v in logits.items()}
    return logits


def _encoder_decoder(config: NetConfig) -> tuple[Any, PixelScale | None]:
    """The library's network of a config, with three input channels and its own head still on.

    Returns
    -------
    network : nn.Module
    scale : PixelScale | None
        What its pretrained weights expect of a picture; None: it has none.
    """
    options = decoder_options(config)
    try:
        shared: Any = smp.create_model(config.arch, config.encoder, encoder_weights=None, in_channels=3, **options)
    except (KeyError, ValueError, RuntimeError, TypeError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        if "Wrong encoder name" in reason:  # the library lists hundreds
            near = difflib.get_close_matches(config.encoder, smp.encoders.encoders, cutoff=0.4) or ["resnet34"]
            expected = f"one of segmentation-models-pytorch, such as {', '.join(near)}"
            raise UserError("net.encoder", f"unknown encoder {config.encoder!r}", expected) from error
        raise UserError(
            "net",
            f"{config.arch} with the encoder {config.encoder} cannot be built ({reason[:200]})",
            "an encoder and a depth (the number of net.decoder_channels) that fit each other",
            "see the encoders of segmentation-models-pytorch",
        ) from error
    if config.attention == "scse":
        check_attention(shared.decoder)
    if config.block == "bottleneck":
        replace_with_bottlenecks(shared.decoder, config.dropout)
    pretrained = config.encoder_weights == "imagenet"
    return shared, load_imagenet_weights(shared.encoder, config.encoder) if pretrained else None


def check_attention(decoder: nn.Module) -> None:
    """Refuse a decoder too narrow for scSE, which squeezes its features to a sixteenth."""
    found = (module for module in decoder.modules() if isinstance(module, smp.base.modules.SCSEModule))
    if any(not weight.numel() for module in found for weight in module.parameters()):
        raise UserError("net.attention", "a decoder too narrow for scse", "16 features or more at every stage")

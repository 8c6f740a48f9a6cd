"""All cases of second sources, by name."""

from __future__ import annotations

from collections.abc import Callable

from second import Second
from second_attended import ATTENDED
from second_backbones import BACKBONES
from second_boxes import BOXES
from second_dense import DENSE
from second_dense_maps import DENSE_MAPS
from second_language import LANGUAGE
from second_ledger import LEDGER
from second_loops import LOOPS
from second_maps import MAPS
from second_more import MORE
from second_onestage import ONESTAGE
from second_rcnn import RCNN
from second_speech import SPEECH
from second_translators import TRANSLATORS
from second_vision import VISION
from second_words import WORDS

CASES: dict[str, Callable[[], Second]] = {
    **LOOPS, **WORDS, **LANGUAGE, **TRANSLATORS, **LEDGER, **ATTENDED, **MAPS, **VISION,
    **BACKBONES,
    **BOXES, **RCNN,
    **ONESTAGE,
    **MORE,
    **DENSE, **DENSE_MAPS,
    **SPEECH,
}  # fmt: skip

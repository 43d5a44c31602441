"""XRAI: the mean importance of regions, of the map of another estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import ValidationError, model_validator

from ct_importance.plugins import load
from ct_importance.saliency.estimator import Batch, Cost, Estimator, Shared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ct_importance.classifier.classifier import Classifier


class Xrai(Estimator):
    """The mean of another map over regions, grown segment by segment by their mean importance.

    Segments (Felzenszwalb, six scales) depend on the slice alone. It misleads where what counts has
    no edge of its own: a region then tells of the anatomy, and of the classifier no more than the
    map it is made of.
    """

    title: ClassVar[str] = "XRAI"
    colour: ClassVar[str] = "#2166AC"
    dashes: ClassVar[tuple[float, ...]] = (6, 1, 1.5, 1)
    reference: ClassVar[str] = "Kapishnikov et al. 2019, arXiv 1906.02825"
    needs: ClassVar[frozenset[str]] = frozenset({"segments"})

    base: dict[str, Any] = {"method": "integrated_gradients_bw"}
    """The estimator whose map is averaged, as an entry of its own: its method, and its options but
    the target."""

    @model_validator(mode="after")
    def _has_a_base(self) -> Self:
        if "method" not in self.base or "target" in self.base:
            raise ValueError(
                "base: give the method of an estimator, and its options; its target is that of xrai"
            )
        try:
            self.built_on  # noqa: B018
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise ValueError(f"base.{key}: {first['msg']}") from None
        return self

    @property
    def built_on(self) -> Estimator:
        """The estimator whose map is averaged."""
        options = {key: value for key, value in self.base.items() if key != "method"}
        found: Estimator = load("estimator", self.base["method"])(**options, target=self.target)
        return found

    @property
    def wants(self) -> frozenset[str]:
        """Segments, and what that estimator needs."""
        return self.needs | self.built_on.wants

    def unfit(self, parts: frozenset[str]) -> str | None:
        """Return why the map it is made of cannot be right; None if nothing speaks against it."""
        return self.built_on.unfit(parts)

    def check(self, classifier: Classifier) -> None:
        """Check that the map it is made of can be right.

        Raises:
            InputError: If it cannot.
        """
        self.built_on.check(classifier)

    def shared(self) -> Mapping[str, Shared]:
        """Return the work that the map it is made of shares."""
        return self.built_on.works

    def cost(self) -> Cost:
        """Return the passes of the map it is made of."""
        return self.built_on.passes

    def attribute(self, batch: Batch, **shared: Any) -> NDArray[np.float32]:
        """Return the importance of regions, (N, 1, H, W)."""
        import numpy as np

        from ct_importance.saliency.explain import as_array, finished, importance_of
        from ct_importance.saliency.xrai.regions import xrai_regions

        base = self.built_on
        found = base.attribute(batch, **shared) if shared else importance_of(base, batch)
        maps = finished(base, as_array(found).sum(axis=1))
        assert batch.segments is not None, "it needs them"
        heats = [
            xrai_regions(importance, segments).heat
            for importance, segments in zip(maps, batch.segments, strict=True)
        ]
        return np.stack(heats)[:, None].astype(np.float32)

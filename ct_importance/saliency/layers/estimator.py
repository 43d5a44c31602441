"""What estimators have in common that can be told a layer by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Estimator

if TYPE_CHECKING:
    from ct_importance.classifier.classifier import Classifier


class OfLayer(Estimator):
    """Looks at a layer of the network."""

    needs: ClassVar[frozenset[str]] = frozenset({"layers"})

    layer: str | None = Field(None, min_length=1)
    """Name of a layer of the network that answers with maps (rows x columns) or with tokens; null:
    the last one before they are pooled, or none where the estimator does without."""

    def check(self, classifier: Classifier) -> None:
        """Check that the network has the layer.

        Raises:
            InputError: If not, with names that are like it.
        """
        if self.layer:
            from ct_importance.saliency.layers.names import check_layer

            check_layer(classifier, self.layer, self.title)

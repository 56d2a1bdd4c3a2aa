"""Maps between rigs: a few terms a channel, applied to whole curves at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from rhapsode.errors import RigError
from rhapsode.performance import Curves, Float32
from rhapsode.rigs.rig import Rig, unknown_channel

How = Literal["sum", "max", "min"]


class RigMap(Protocol):
    """Carries values of one rig to another, each curve frame on its own."""

    @property
    def source(self) -> Rig:
        """The rig that goes in."""

    @property
    def target(self) -> Rig:
        """The rig that comes out."""

    def apply(self, values: Float32) -> Float32:
        """Return (T, target) float32 for (T, source) float32."""


@dataclass(frozen=True)
class Term:
    """One addend of a target channel.

    Args:
        target: channel of the target rig; several terms of one target are added up.
        sources: weight by channel of the source rig.
        how: what is taken of the weighted source channels: their sum, their largest or their smallest.

    """

    target: str
    sources: Mapping[str, float]
    how: How = "sum"


@dataclass(frozen=True)
class ChannelMap:
    """A map made of terms. Results are clipped to [0, 1], except the target's angles.

    Args:
        source: the rig that goes in.
        target: the rig that comes out; its channels without a term stay 0.
        terms: see `Term`.

    Raises:
        RigError: a term names a channel that its rig does not have.

    """

    source: Rig
    target: Rig
    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        for term in self.terms:
            self.target.index(term.target)
            for name in term.sources:
                self.source.index(name)

    def apply(self, values: Float32) -> Float32:
        """Return the target's values.

        Args:
            values: (T, C) float32 in the order of ``source.channels``.

        Returns:
            (T, C') float32 in the order of ``target.channels``.

        Raises:
            RigError: the number of channels is not that of ``source``.

        """
        check_width(values, self.source)
        made = values @ self._matrix
        for column, places, weights, how in self._extremes:
            weighted = values[:, places] * weights
            made[:, column] += weighted.max(axis=1) if how == "max" else weighted.min(axis=1)
        made[:, self._clipped] = made[:, self._clipped].clip(0.0, 1.0)
        return made

    @cached_property
    def _matrix(self) -> Float32:
        matrix = np.zeros((len(self.source), len(self.target)), np.float32)
        for term in self.terms:
            for name, weight in term.sources.items() if term.how == "sum" else ():
                matrix[self.source.index(name), self.target.index(term.target)] += weight
        return matrix

    @cached_property
    def _extremes(self) -> list[tuple[int, list[int], Float32, How]]:
        return [
            (
                self.target.index(term.target),
                [self.source.index(name) for name in term.sources],
                np.array(list(term.sources.values()), np.float32),
                term.how,
            )
            for term in self.terms
            if term.how != "sum"
        ]

    @cached_property
    def _clipped(self) -> list[int]:
        return [k for k, name in enumerate(self.target.channels) if name not in self.target.angles]


def linear(source: Rig, target: Rig, weights: Mapping[str, Mapping[str, float]]) -> ChannelMap:
    """Return the map whose ``weights[source channel][target channel]`` are added up."""
    terms = (Term(goal, {name: w}) for name, goals in weights.items() for goal, w in goals.items())
    return ChannelMap(source, target, tuple(terms))


def renaming(source: Rig, target: Rig, names: Mapping[str, str]) -> ChannelMap:
    """Return the map that only carries ``names[source channel]`` over."""
    return ChannelMap(source, target, tuple(Term(goal, {name: 1.0}) for name, goal in names.items()))


def convert(curves: Curves, channel_map: RigMap) -> Curves:
    """Return ``curves`` carried by ``channel_map``; channels are found by name.

    Raises:
        RigError: ``curves`` lack a channel of the map's source rig.

    """
    source, target = channel_map.source, channel_map.target
    for name in source.channels:
        if name not in curves.names:
            owner = f"curves for a map from rig '{source.name}'"
            raise unknown_channel(name, curves.names, owner)
    values = curves.select(source.channels).values
    return replace(curves, names=target.channels, values=channel_map.apply(values))


def check_width(values: Float32, source: Rig) -> None:
    """Raise `RigError` if ``values`` are not (T, channels of ``source``)."""
    if values.ndim != 2 or values.shape[1] != len(source):
        raise RigError(f"rig '{source.name}' needs values of shape (T, {len(source)}), got {values.shape}")

"""The events that networks are compared on: of a file of the user, of a physics system, and corners."""

from hls.events.choice import Choice, parse_features
from hls.events.event_file import Array
from hls.events.labels import Labels
from hls.events.reading import FileEvents, read_events, read_labels
from hls.events.sample import EventSample, EventSource, gather

__all__ = [
    "Array",
    "Choice",
    "EventSample",
    "EventSource",
    "FileEvents",
    "Labels",
    "gather",
    "parse_features",
    "read_events",
    "read_labels",
]

"""Events of a user's own: arrays and labels of a file, whatever wrote it."""

from hls.events.choice import Choice, parse_features
from hls.events.event_file import Array
from hls.events.labels import Labels
from hls.events.reading import FileEvents, read_events, read_labels

__all__ = ["Array", "Choice", "FileEvents", "Labels", "parse_features", "read_events", "read_labels"]

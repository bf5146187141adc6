"""A typed client of a MachineLabs site."""

from machinelabs.hub import Hub, Labs
from machinelabs.models import Lab, LabDraft, LabFile, LabPage, Revision
from machinelabs.tar import TarStream
from machinelabs.tracking import log

__version__ = "0.1.0"

__all__ = ["Hub", "Lab", "LabDraft", "LabFile", "LabPage", "Labs", "Revision", "TarStream", "log"]

"""The articulation teacher: phones with times in, 52 ARKit curves out.

>>> from rhapsode.train.teacher import TimedPhone, teach
>>> curves = teach([TimedPhone("m", 0.2, 0.3), TimedPhone("a", 0.3, 0.5)], 0.7)
>>> curves.shape
(35, 52)
"""

from rhapsode.train.teacher.blend import TimedPhone
from rhapsode.train.teacher.classes import CLASSES, OCULUS, frame_classes
from rhapsode.train.teacher.loudness import loudness
from rhapsode.train.teacher.phones import parse
from rhapsode.train.teacher.teach import Manner, fitted, teach

__all__ = [
    "CLASSES",
    "OCULUS",
    "Manner",
    "TimedPhone",
    "fitted",
    "frame_classes",
    "loudness",
    "parse",
    "teach",
]

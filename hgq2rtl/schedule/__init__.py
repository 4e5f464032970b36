"""When each value is computed: takes (Program, target, wish), gives a Schedule."""

from .schedule import Schedule, ScheduleWish
from .stages import schedule

__all__ = ["Schedule", "ScheduleWish", "schedule"]

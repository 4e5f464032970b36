"""When each value is computed: takes (Program, target, wish), gives a Schedule."""

from .schedule import Schedule, ScheduleWish
from .serial import schedule_from_json, schedule_to_json
from .stages import schedule

__all__ = ["Schedule", "ScheduleWish", "schedule", "schedule_from_json", "schedule_to_json"]

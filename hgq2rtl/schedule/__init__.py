"""When each value is computed: takes (Program, target, wish), gives a Schedule."""

from .schedule import Schedule
from .serial import schedule_from_json, schedule_to_json
from .shift_registers import ShiftRegisters, shift_registers
from .stages import path_of, schedule
from .wish import DEFAULT_CLOCK_NS, ScheduleWish

__all__ = [
    "DEFAULT_CLOCK_NS",
    "Schedule",
    "ScheduleWish",
    "ShiftRegisters",
    "path_of",
    "schedule",
    "schedule_from_json",
    "schedule_to_json",
    "shift_registers",
]

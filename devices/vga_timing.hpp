// Where the beam of the display is at a moment, by the timing registers of a VGA.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem, CRT controller registers 00H-16H.
#pragma once

#include "memory/clock.hpp"

namespace truering {

class VgaRegisters;

struct BeamPosition {
    bool displaying;       // inside the picture: neither in a border nor blanked nor in retrace
    bool vertical_retrace; // the beam goes back to the top
};

BeamPosition beam_at(const VgaRegisters& registers, Nanoseconds now);

// Duration of a frame. Registers that describe no display (all zero after power-on) count as 60 frames a second.
Nanoseconds frame_time(const VgaRegisters& registers);

// Pictures shown since power-on: the counter that cursor and characters blink by.
u64 frame_number(const VgaRegisters& registers, Nanoseconds now);

} // namespace truering

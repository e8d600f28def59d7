// Where Ringmaster speaks: the debug port E9H, a serial port, or nowhere; and the screen, when it cannot go on.
//
// say() takes any number of pieces: text, numbers (decimal), Hex, and Right to fill a column of a table.
#pragma once

#include "base/types.hpp"

namespace ringmaster {

using namespace truering;

enum class LogTarget : u8 { None, DebugPort, Com1, Com2 };
void open_log(LogTarget target);

struct Hex {
    u32 value;
    u32 digits = 8;
};
template <class T> struct Right { // a number or text, to the right of a column
    T value;
    u32 width;
};
template <class T> Right(T, u32) -> Right<T>;
struct Left {
    const char* text;
    u32 width;
};

void print(char character);
void print(const char* text);
void print(u32 number);
void print(u64 number);
void print(Hex number);
void print(Right<u32> number);
void print(Right<u64> number);
void print(Right<const char*> text);
void print(Left text);

template <class... Pieces> void say(const Pieces&... pieces) { (print(pieces), ...); }

// From now on everything goes to the screen too (80 by 25 characters at B8000H), from the top.
void use_screen();

// The end: the isa-debug-exit device where there is one, else halted for ever.
enum class Ending : u8 { GuestStopped = 2, CannotStart = 8, GaveUp = 12 };
[[noreturn]] void stop(Ending ending);

} // namespace ringmaster

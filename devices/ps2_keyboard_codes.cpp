// What keys become on the wire: scan codes of the three sets, invented shifts, typematic repeat.
#include "devices/ps2_keyboard.hpp"

#include "base/bits.hpp"

namespace truering {

namespace {

constexpr u8 extended = 0xE0;
constexpr u8 pause_prefix = 0xE1;
constexpr u8 break_prefix = 0xF0; // sets 2 and 3
constexpr u8 break_bit = 0x80;    // set 1
constexpr u16 sysrq_set1 = 0x54;
constexpr u16 sysrq_set2 = 0x84;
constexpr unsigned num_lock_led = 1;

constexpr Nanoseconds delay_unit = 250'000'000;
constexpr Nanoseconds period_unit = nanoseconds_per_second / 240;

constexpr bool is_extended(u16 code) { return code >> 8 == extended; }

// The keys between the main block and the keypad, whose codes differ from the keypad's only by E0.
bool is_grey_cursor_key(Key key) { return key >= Key::Insert && key <= Key::Right; }

} // namespace

// --- Codes -----------------------------------------------------------------------------------------------------

void Ps2Keyboard::add_make(Sequence& to, u16 set1, u16 set2) const {
    const u16 code = set_ == 1 ? set1 : set2;
    if (is_extended(code)) to.add(extended);
    to.add(static_cast<u8>(code));
}

void Ps2Keyboard::add_break(Sequence& to, u16 set1, u16 set2) const {
    const u16 code = set_ == 1 ? set1 : set2;
    if (is_extended(code)) to.add(extended);
    if (set_ != 1) to.add(break_prefix);
    to.add(static_cast<u8>(set_ == 1 ? code | break_bit : code));
}

void Ps2Keyboard::add_make(Sequence& to, Key key) const { add_make(to, codes_of(key).set1, codes_of(key).set2); }
void Ps2Keyboard::add_break(Sequence& to, Key key) const { add_break(to, codes_of(key).set1, codes_of(key).set2); }

// Pause pretends to be Ctrl with Num Lock, make and break at once; under Ctrl it is Break, an extended Scroll Lock.
void Ps2Keyboard::add_pause(Sequence& to) const {
    if (pressed(Key::LeftCtrl) || pressed(Key::RightCtrl)) {
        add_make(to, Key::Pause);
        add_break(to, Key::Pause);
        return;
    }
    to.add(pause_prefix);
    add_make(to, Key::LeftCtrl);
    add_make(to, Key::NumLock);
    to.add(pause_prefix);
    add_break(to, Key::LeftCtrl);
    add_break(to, Key::NumLock);
}

namespace {

// An invented shift is the extended form of a shift key's code.
constexpr u16 invented(u16 code) { return static_cast<u16>(extended << 8 | code); }

} // namespace

// Before a grey key's make: software that ignores E0 would take it for the keypad's, so shifts are undone, and under
// Num Lock one is invented.
void Ps2Keyboard::undo_modifiers(Sequence& to, Key key) {
    const bool num_lock = test_bit(leds_, num_lock_led);
    const bool slash = key == Key::KeypadSlash;
    if (any_shift() && (slash || !num_lock)) {
        for (Key shift : {Key::LeftShift, Key::RightShift})
            if (pressed(shift)) add_break(to, invented(codes_of(shift).set1), invented(codes_of(shift).set2));
    } else if (!any_shift() && ((num_lock && !slash) || key == Key::PrintScreen)) {
        add_make(to, invented(codes_of(Key::LeftShift).set1), invented(codes_of(Key::LeftShift).set2));
        invented_shift_ = true;
    }
}

// After its break: the other way round. A shift that was let go meanwhile is not brought back.
void Ps2Keyboard::redo_modifiers(Sequence& to, Key key) {
    if (invented_shift_) {
        add_break(to, invented(codes_of(Key::LeftShift).set1), invented(codes_of(Key::LeftShift).set2));
        invented_shift_ = false;
    } else if (any_shift() && (key == Key::KeypadSlash || !test_bit(leds_, num_lock_led))) {
        for (Key shift : {Key::LeftShift, Key::RightShift})
            if (pressed(shift)) add_make(to, invented(codes_of(shift).set1), invented(codes_of(shift).set2));
    }
}

// --- Keys ------------------------------------------------------------------------------------------------------

void Ps2Keyboard::key(Key key, bool down) {
    if (pressed(key) == down) return;
    pressed_[static_cast<unsigned>(key)] = down;
    if (!down && repeat_alarm_.armed() && repeating_ == key) clock_.disarm(repeat_alarm_);
    if (!scanning_) return;
    if (down)
        press(key);
    else
        release(key);
}

void Ps2Keyboard::release_all() {
    for (unsigned i = 0; i < key_count; ++i) key(static_cast<Key>(i), false);
}

void Ps2Keyboard::press_set3(Key key) {
    Sequence codes;
    if (codes_of(key).set3 != 0) codes.add(codes_of(key).set3);
    send(codes);
}

void Ps2Keyboard::press(Key key) {
    if (repeats(key)) start_repeat(key);
    if (set_ == 3) return press_set3(key);
    Sequence codes;
    if (key == Key::Pause) {
        add_pause(codes);
    } else if (key == Key::PrintScreen) {
        const bool ctrl = pressed(Key::LeftCtrl) || pressed(Key::RightCtrl);
        print_screen_is_sysrq_ = pressed(Key::LeftAlt) || pressed(Key::RightAlt);
        if (print_screen_is_sysrq_) {
            add_make(codes, sysrq_set1, sysrq_set2);
        } else {
            if (!ctrl && !any_shift()) undo_modifiers(codes, key);
            add_make(codes, key);
        }
    } else {
        if (is_grey_cursor_key(key) || key == Key::KeypadSlash) undo_modifiers(codes, key);
        add_make(codes, key);
    }
    send(codes);
}

void Ps2Keyboard::release(Key key) {
    Sequence codes;
    if (set_ == 3) {
        const KeyType type = types3_[static_cast<unsigned>(key)];
        if (codes_of(key).set3 != 0 && (type == KeyType::MakeBreak || type == KeyType::TypematicMakeBreak)) {
            codes.add(break_prefix);
            codes.add(codes_of(key).set3);
        }
    } else if (key == Key::PrintScreen && print_screen_is_sysrq_) {
        add_break(codes, sysrq_set1, sysrq_set2);
    } else if (key != Key::Pause) {
        add_break(codes, key);
        if (is_grey_cursor_key(key) || key == Key::KeypadSlash) redo_modifiers(codes, key);
        if (key == Key::PrintScreen && invented_shift_) redo_modifiers(codes, key);
    }
    send(codes);
}

void Ps2Keyboard::send(const Sequence& codes) {
    if (codes.size == 0 || overrun_) return;
    if (codes_.size() + codes.size > buffer_size) {
        codes_.push(set_ == 1 ? 0xFF : 0x00);
        overrun_ = true;
    } else {
        for (unsigned i = 0; i < codes.size; ++i) codes_.push(codes.bytes[i]);
    }
    follow();
}

// --- Repeat ----------------------------------------------------------------------------------------------------

bool Ps2Keyboard::repeats(Key key) const {
    if (set_ != 3) return key != Key::Pause;
    const KeyType type = types3_[static_cast<unsigned>(key)];
    return type == KeyType::Typematic || type == KeyType::TypematicMakeBreak;
}

void Ps2Keyboard::start_repeat(Key key) {
    repeating_ = key;
    clock_.arm(repeat_alarm_, clock_.now() + delay_unit * (bits<u8>(typematic_, 6, 5) + 1u));
}

void Ps2Keyboard::repeat() {
    const Nanoseconds period = period_unit * ((8u + (typematic_ & 7u)) << bits<u8>(typematic_, 4, 3));
    clock_.arm(repeat_alarm_, clock_.now() + period);
    if (!codes_.empty()) return; // repeats are not collected
    if (set_ == 3) return press_set3(repeating_);
    Sequence codes;
    if (repeating_ == Key::PrintScreen && print_screen_is_sysrq_)
        add_make(codes, sysrq_set1, sysrq_set2);
    else
        add_make(codes, repeating_);
    send(codes);
}

} // namespace truering

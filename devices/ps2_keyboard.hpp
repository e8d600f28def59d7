// A PS/2 keyboard with 105 keys: scan code sets 1, 2 and 3, typematic repeat, the commands of the host.
//
// key() tells what the fingers do; the keyboard turns it into scan codes as the selected set wants them, among them the
// sequences that old software relies on: Pause with its E1 codes and no break, PrintScreen that becomes SysRq under
// Alt, and the invented shift codes around the grey cursor keys that undo Shift or Num Lock.
//
// Buffers: answers to commands go first, then up to 16 bytes of scan codes. A key whose codes find no room puts one
// overrun code in the buffer and is lost, as in a real keyboard; whoever types for a script waits for idle().
//
// Source: IBM PS/2 hardware interface technical reference, "101- and 102-key keyboards".
#pragma once

#include "devices/byte_fifo.hpp"
#include "devices/keys.hpp"
#include "devices/ps2_device.hpp"
#include "memory/clock.hpp"

#include <array>
#include <bitset>

namespace truering {

class Ps2Keyboard final : public Ps2Device {
  public:
    // The self test after command FFH; shorter than a real one's half second.
    static constexpr Nanoseconds self_test_time = 20'000'000;

    explicit Ps2Keyboard(Clock& clock);
    Ps2Keyboard(const Ps2Keyboard&) = delete;
    Ps2Keyboard& operator=(const Ps2Keyboard&) = delete;

    // Power-on; the self test's AAH follows. Keys that are held stay held.
    void reset();

    // A key goes down or up. The host's own repeat is ignored: this keyboard repeats by itself.
    void key(Key key, bool pressed);
    void release_all();
    [[nodiscard]] bool pressed(Key key) const { return pressed_[static_cast<unsigned>(key)]; }

    // Nothing waits to be sent: the moment to type on.
    [[nodiscard]] bool idle() const { return replies_.empty() && codes_.empty(); }

    // Bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock.
    [[nodiscard]] u8 leds() const { return leds_; }
    [[nodiscard]] bool scanning() const { return scanning_; }
    [[nodiscard]] unsigned scan_code_set() const { return set_; }

    u8 take_byte() override;
    void receive(u8 byte) override;

  private:
    static constexpr unsigned buffer_size = 16;
    enum class Argument : u8 { None, Leds, ScanCodeSet, Typematic, KeyList };

    // The codes of one event; the longest is Pause in set 2.
    struct Sequence {
        std::array<u8, 16> bytes{};
        unsigned size = 0;
        void add(u8 byte) { bytes[size++] = byte; }
    };

    void set_defaults();
    void stop_typing();
    void command(u8 byte);
    void argument(Argument what, u8 byte);
    void set_all_types(KeyType type);
    void reply(u8 byte);
    void follow();

    void send(const Sequence& codes);
    void add_make(Sequence& to, u16 set1, u16 set2) const;
    void add_break(Sequence& to, u16 set1, u16 set2) const;
    void add_make(Sequence& to, Key key) const;
    void add_break(Sequence& to, Key key) const;
    void add_pause(Sequence& to) const;
    void press(Key key);
    void release(Key key);
    void press_set3(Key key);
    void undo_modifiers(Sequence& to, Key key);
    void redo_modifiers(Sequence& to, Key key);
    [[nodiscard]] bool any_shift() const { return pressed(Key::LeftShift) || pressed(Key::RightShift); }
    [[nodiscard]] bool repeats(Key key) const;
    void start_repeat(Key key);
    void repeat();
    void self_test_done();

    Clock& clock_;
    Alarm repeat_alarm_;
    Alarm self_test_alarm_;
    std::bitset<key_count> pressed_;
    std::array<KeyType, key_count> types3_{};

    ByteFifo<buffer_size> replies_;
    ByteFifo<buffer_size + 1> codes_; // one more for the overrun code
    bool overrun_ = false;
    u8 last_sent_ = 0;

    Argument argument_ = Argument::None;
    KeyType list_type_ = KeyType::Typematic; // what the keys of a list become
    bool scanning_ = true;
    u8 set_ = 2;
    u8 leds_ = 0;
    u8 typematic_ = 0;
    Key repeating_ = Key::Escape; // meaningful while repeat_alarm_ is armed
    bool print_screen_is_sysrq_ = false;
    bool invented_shift_ = false; // an invented shift make waits for its break
};

} // namespace truering

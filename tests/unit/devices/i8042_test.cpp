#include "devices/i8042.hpp"
#include "devices/ps2_keyboard.hpp"
#include "devices/ps2_mouse.hpp"
#include "devices/scan_code_translation.hpp"
#include "tests/unit/devices/test_clock.hpp"

#include <gtest/gtest.h>

#include <set>

namespace truering {
namespace {

using Bytes = std::vector<unsigned>;

class I8042Test : public testing::Test {
  protected:
    I8042Test() {
        controller.map(bus);
        controller.irq1.connect_to<&I8042Test::hear>(*this, 1);
        controller.irq12.connect_to<&I8042Test::hear>(*this, 12);
        controller.reset_pulse.connect_to<&I8042Test::hear>(*this, 0);
    }
    void hear(unsigned number, bool level) { rises[number] += level ? 1 : 0; }

    unsigned status() { return bus.read(0x64, 1); }
    void command(u32 value) { bus.write(0x64, value, 1); }
    void data(u32 value) { bus.write(0x60, value, 1); }
    void command_byte(u32 value) {
        command(0x60);
        data(value);
    }
    // Whatever comes until there is silence for longer than anybody answers, and shorter than a held key repeats.
    Bytes drain() {
        Bytes bytes;
        for (int quiet = 0; quiet < 80;) {
            if ((status() & 1) != 0) {
                bytes.push_back(bus.read(0x60, 1));
                quiet = 0;
            } else {
                clock.advance(1'000'000);
                ++quiet;
            }
        }
        return bytes;
    }
    Bytes to_keyboard(u32 value) {
        data(value);
        return drain();
    }
    Bytes to_mouse(u32 value) {
        command(0xD4);
        data(value);
        return drain();
    }
    Bytes type(Key key) {
        keyboard.key(key, true);
        keyboard.key(key, false);
        return drain();
    }

    TestClock clock;
    PortBus bus;
    Ps2Keyboard keyboard{clock};
    Ps2Mouse mouse{clock};
    I8042 controller{clock, &keyboard, &mouse};
    int rises[16] = {};
};

TEST_F(I8042Test, SelfAndInterfaceTests) {
    command(0xAA);
    EXPECT_EQ(drain(), Bytes{0x55});
    EXPECT_EQ(status() & 4, 4u);
    command(0xAB);
    EXPECT_EQ(drain(), Bytes{0});
    command(0xA9);
    EXPECT_EQ(drain(), Bytes{0});
    command(0xA4);
    EXPECT_EQ(drain(), Bytes{0xF1});
}

TEST_F(I8042Test, CommandByteAndRam) {
    command_byte(0x65);
    command(0x20);
    EXPECT_EQ(drain(), Bytes{0x65});
    EXPECT_EQ(status() & 4, 4u);
    command(0x7F);
    data(0x12);
    command(0x3F);
    EXPECT_EQ(drain(), Bytes{0x12});
    command(0xA7);
    command(0xAD);
    command(0x20);
    EXPECT_EQ(drain(), Bytes{0x75});
    command(0xA8);
    command(0xAE);
    command(0x20);
    EXPECT_EQ(drain(), Bytes{0x45});
}

TEST_F(I8042Test, KeyTakesItsTimeRaisesIrq1AndIsTranslated) {
    command_byte(0x41);
    keyboard.key(Key::A, true);
    EXPECT_EQ(status() & 1, 0u);
    clock.advance(I8042::byte_time);
    EXPECT_EQ(status() & 0x21, 1u);
    EXPECT_TRUE(controller.irq1.level());
    EXPECT_EQ(bus.read(0x60, 1), 0x1Eu);
    EXPECT_FALSE(controller.irq1.level());
    EXPECT_EQ(bus.read(0x60, 1), 0x1Eu); // the buffer keeps its last byte
    keyboard.key(Key::A, false);
    EXPECT_EQ(drain(), Bytes{0x9E});
    EXPECT_EQ(rises[1], 2);
    command_byte(0x01);
    EXPECT_EQ(type(Key::A), (Bytes{0x1C, 0xF0, 0x1C}));
}

TEST_F(I8042Test, DisabledKeyboardKeepsItsBytes) {
    command(0xAD);
    keyboard.key(Key::B, true);
    EXPECT_EQ(drain(), Bytes{});
    command(0xAE);
    EXPECT_EQ(drain(), Bytes{0x30});
}

TEST_F(I8042Test, ControllersAnswerComesBeforeWaitingKeys) {
    keyboard.key(Key::A, true);
    clock.advance(I8042::byte_time);
    keyboard.key(Key::B, true);
    command(0x20);
    EXPECT_EQ(bus.read(0x60, 1), 0x1Eu);
    EXPECT_EQ(bus.read(0x60, 1), controller.command_byte());
    EXPECT_EQ(drain(), Bytes{0x30});
}

TEST_F(I8042Test, MouseBytesAreMarkedAndRaiseIrq12) {
    command_byte(0x43);
    command(0xD4);
    data(0xF2);
    clock.advance(I8042::byte_time);
    EXPECT_EQ(status() & 0x21, 0x21u);
    EXPECT_TRUE(controller.irq12.level());
    EXPECT_FALSE(controller.irq1.level());
    EXPECT_EQ(drain(), (Bytes{0xFA, 0}));
    EXPECT_EQ(rises[12], 2);
    EXPECT_EQ(rises[1], 0);
}

TEST_F(I8042Test, LoopsBytesBack) {
    command_byte(0x43);
    command(0xD3);
    data(0x5A);
    EXPECT_EQ(status() & 0x21, 0x21u);
    EXPECT_EQ(bus.read(0x60, 1), 0x5Au);
    command(0xD2);
    data(0x1C); // not translated
    EXPECT_EQ(status() & 0x21, 0x01u);
    EXPECT_EQ(bus.read(0x60, 1), 0x1Cu);
    EXPECT_EQ(rises[1], 1);
    EXPECT_EQ(rises[12], 1);
}

TEST_F(I8042Test, OutputPortA20AndReset) {
    EXPECT_TRUE(controller.a20.level());
    command(0xD1);
    data(0xDD);
    EXPECT_FALSE(controller.a20.level());
    command(0xD0);
    EXPECT_EQ(drain().at(0) & 3, 1u);
    command(0xDF);
    EXPECT_TRUE(controller.a20.level());
    EXPECT_EQ(rises[0], 0);
    command(0xFF); // pulses nothing
    EXPECT_EQ(rises[0], 0);
    command(0xFE);
    EXPECT_EQ(rises[0], 1);
    command(0xD1);
    data(0x02);
    EXPECT_EQ(rises[0], 2);
}

TEST_F(I8042Test, AbsentDeviceTimesOut) {
    I8042 alone(clock, &keyboard, nullptr);
    alone.write_port(0x64, 0xD4, 1);
    alone.write_port(0x60, 0xFF, 1);
    EXPECT_EQ(alone.read_port(0x64, 1) & 0x61, 0x61u);
    EXPECT_EQ(alone.read_port(0x60, 1), 0xFEu);
}

TEST_F(I8042Test, TranslationTurnsEveryKeysSet2IntoItsSet1) {
    std::set<std::string_view> names;
    for (unsigned i = 0; i < key_count; ++i) {
        const KeyCodes& row = key_table[i];
        EXPECT_EQ(static_cast<unsigned>(row.key), i) << row.name;
        EXPECT_EQ(row.set1 >> 8, row.set2 >> 8) << row.name;
        EXPECT_EQ(set2_to_set1(static_cast<u8>(row.set2)), row.set1 & 0xFF) << row.name;
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_EQ(find_key(row.name), &row);
    }
    EXPECT_EQ(find_key("no such key"), nullptr);
}

TEST_F(I8042Test, KeyboardIdentifiesItselfThroughTheTranslation) {
    command_byte(0x41);
    EXPECT_EQ(to_keyboard(0xF2), (Bytes{0xFA, 0xAB, 0x41}));
    command_byte(0x01);
    EXPECT_EQ(to_keyboard(0xF2), (Bytes{0xFA, 0xAB, 0x83}));
}

TEST_F(I8042Test, KeyboardCommands) {
    EXPECT_EQ(to_keyboard(0xFF), (Bytes{0xFA, 0xAA}));
    EXPECT_EQ(to_keyboard(0xFE), Bytes{0xAA});
    EXPECT_EQ(to_keyboard(0xEE), Bytes{0xEE});
    EXPECT_EQ(to_keyboard(0xED), Bytes{0xFA});
    EXPECT_EQ(to_keyboard(0x07), Bytes{0xFA});
    EXPECT_EQ(keyboard.leds(), 7);
    EXPECT_EQ(to_keyboard(0xED), Bytes{0xFA});
    EXPECT_EQ(to_keyboard(0xF5), Bytes{0xFA}); // a command instead of the argument
    EXPECT_EQ(type(Key::A), Bytes{});
    EXPECT_EQ(to_keyboard(0xF4), Bytes{0xFA});
    EXPECT_EQ(type(Key::A), (Bytes{0x1E, 0x9E}));
    EXPECT_EQ(to_keyboard(0x00), Bytes{0xFE});
}

TEST_F(I8042Test, KeyboardScanCodeSets) {
    command_byte(0x01);
    to_keyboard(0xF0);
    EXPECT_EQ(to_keyboard(0), (Bytes{0xFA, 2}));
    to_keyboard(0xF0);
    EXPECT_EQ(to_keyboard(1), Bytes{0xFA});
    EXPECT_EQ(type(Key::Up), (Bytes{0xE0, 0x48, 0xE0, 0xC8}));
    EXPECT_EQ(type(Key::Pause), (Bytes{0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5}));
    to_keyboard(0xF0);
    EXPECT_EQ(to_keyboard(3), Bytes{0xFA});
    EXPECT_EQ(type(Key::A), Bytes{0x1C});
    EXPECT_EQ(type(Key::LeftShift), (Bytes{0x12, 0xF0, 0x12}));
    EXPECT_EQ(to_keyboard(0xF8), Bytes{0xFA});
    EXPECT_EQ(type(Key::A), (Bytes{0x1C, 0xF0, 0x1C}));
    EXPECT_EQ(to_keyboard(0xFD), Bytes{0xFA});
    EXPECT_EQ(to_keyboard(0x1C), Bytes{0xFA});
    EXPECT_EQ(to_keyboard(0xF4), Bytes{0xFA});
    EXPECT_EQ(type(Key::A), Bytes{0x1C});
    to_keyboard(0xF0);
    EXPECT_EQ(to_keyboard(4), Bytes{0xFE});
}

TEST_F(I8042Test, PauseBreakPrintScreenSysRq) {
    command_byte(0x01);
    EXPECT_EQ(type(Key::Pause), (Bytes{0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77}));
    EXPECT_EQ(type(Key::PrintScreen), (Bytes{0xE0, 0x12, 0xE0, 0x7C, 0xE0, 0xF0, 0x7C, 0xE0, 0xF0, 0x12}));
    keyboard.key(Key::LeftCtrl, true);
    drain();
    EXPECT_EQ(type(Key::Pause), (Bytes{0xE0, 0x7E, 0xE0, 0xF0, 0x7E}));
    EXPECT_EQ(type(Key::PrintScreen), (Bytes{0xE0, 0x7C, 0xE0, 0xF0, 0x7C}));
    keyboard.key(Key::LeftCtrl, false);
    keyboard.key(Key::LeftAlt, true);
    drain();
    EXPECT_EQ(type(Key::PrintScreen), (Bytes{0x84, 0xF0, 0x84}));
}

TEST_F(I8042Test, GreyKeysUndoShiftAndNumLock) {
    command_byte(0x41);
    keyboard.key(Key::LeftShift, true);
    while ((status() & 1) == 0) clock.advance(100'000);
    EXPECT_EQ(bus.read(0x60, 1), 0x2Au);
    keyboard.key(Key::Home, true);
    keyboard.key(Key::Home, false);
    keyboard.key(Key::LeftShift, false);
    EXPECT_EQ(drain(), (Bytes{0xE0, 0xAA, 0xE0, 0x47, 0xE0, 0xC7, 0xE0, 0x2A, 0xAA}));
    to_keyboard(0xED);
    to_keyboard(0x02);
    EXPECT_EQ(type(Key::Left), (Bytes{0xE0, 0x2A, 0xE0, 0x4B, 0xE0, 0xCB, 0xE0, 0xAA}));
    EXPECT_EQ(type(Key::Keypad4), (Bytes{0x4B, 0xCB}));
}

TEST_F(I8042Test, KeyRepeats) {
    command_byte(0x41);
    to_keyboard(0xF3);
    to_keyboard(0x00); // 250 ms, 30 a second
    const auto makes_in = [&](Nanoseconds time) {
        unsigned makes = 0;
        for (Nanoseconds t = 0; t < time; t += 1'000'000) {
            clock.advance(1'000'000);
            if ((status() & 1) != 0) makes += bus.read(0x60, 1) == 0x1E;
        }
        return makes;
    };
    keyboard.key(Key::A, true);
    keyboard.key(Key::A, true); // the host's own repeat
    EXPECT_EQ(makes_in(249'000'000), 1u);
    EXPECT_NEAR(makes_in(1'000'000'000), 30, 1);
    keyboard.key(Key::A, false);
    EXPECT_EQ(makes_in(1'000'000'000), 0u);
}

TEST_F(I8042Test, KeyboardOverrun) {
    command_byte(0x01);
    for (int i = 0; i < 10; ++i) {
        keyboard.key(Key::X, true);
        keyboard.key(Key::X, false);
    }
    const Bytes bytes = drain();
    EXPECT_EQ(bytes.size(), 17u);
    EXPECT_EQ(bytes.back(), 0u);
    EXPECT_EQ(type(Key::X).size(), 3u);
}

TEST_F(I8042Test, MouseResetAndStatus) {
    EXPECT_EQ(to_mouse(0xFF), (Bytes{0xFA, 0xAA, 0x00}));
    EXPECT_EQ(to_mouse(0xE9), (Bytes{0xFA, 0x00, 2, 100}));
    to_mouse(0xE7);
    to_mouse(0xE8);
    EXPECT_EQ(to_mouse(3), Bytes{0xFA});
    to_mouse(0xF3);
    to_mouse(40);
    to_mouse(0xF4);
    mouse.move(0, 0, 0, Ps2Mouse::left_button | Ps2Mouse::right_button);
    drain();
    EXPECT_EQ(to_mouse(0xE9), (Bytes{0xFA, 0x35, 3, 40}));
    EXPECT_EQ(to_mouse(0x11), Bytes{0xFE});
}

TEST_F(I8042Test, MouseMoves) {
    mouse.move(5, 5, 0, 0);
    EXPECT_EQ(drain(), Bytes{});
    to_mouse(0xF4);
    mouse.move(5, 3, 0, Ps2Mouse::left_button);
    EXPECT_EQ(drain(), (Bytes{0x29, 5, 0xFD}));
    mouse.move(-600, 0, 0, Ps2Mouse::left_button);
    EXPECT_EQ(drain(), (Bytes{0x19, 0x01, 0, 0x19, 0x01, 0, 0x19, 0xA6, 0})); // -255, -255, -90
}

TEST_F(I8042Test, MouseLosesNoClick) {
    to_mouse(0xF4);
    for (int i = 0; i < 3; ++i) {
        mouse.move(1, 0, 0, Ps2Mouse::left_button);
        mouse.move(1, 0, 0, 0);
    }
    EXPECT_EQ(drain(), (Bytes{9, 1, 0, 8, 1, 0, 9, 1, 0, 8, 1, 0, 9, 1, 0, 8, 1, 0}));
}

TEST_F(I8042Test, MouseSamplesAtItsRate) {
    to_mouse(0xF3);
    to_mouse(10);
    to_mouse(0xF4);
    unsigned bytes = 0;
    for (int i = 0; i < 1000; ++i) {
        mouse.move(1, 0, 0, 0);
        clock.advance(1'000'000);
        if ((status() & 1) != 0) {
            bus.read(0x60, 1);
            ++bytes;
        }
    }
    EXPECT_NEAR(bytes, 30, 3);
}

TEST_F(I8042Test, WheelAndFiveButtons) {
    const auto rates = [&](std::initializer_list<u32> values) {
        for (u32 value : values) {
            to_mouse(0xF3);
            to_mouse(value);
        }
    };
    EXPECT_EQ(to_mouse(0xF2), (Bytes{0xFA, 0}));
    rates({200, 100, 80});
    EXPECT_EQ(to_mouse(0xF2), (Bytes{0xFA, 3}));
    to_mouse(0xF4);
    mouse.move(0, 0, -1, 0);
    EXPECT_EQ(drain(), (Bytes{8, 0, 0, 0xFF}));
    rates({200, 200, 80});
    EXPECT_EQ(to_mouse(0xF2), (Bytes{0xFA, 4}));
    mouse.move(0, 0, 1, Ps2Mouse::fourth_button);
    EXPECT_EQ(drain(), (Bytes{8, 0, 0, 0x11}));
}

TEST_F(I8042Test, RemoteAndWrapModes) {
    to_mouse(0xF0);
    mouse.move(7, 0, 0, 0);
    EXPECT_EQ(drain(), Bytes{});
    EXPECT_EQ(to_mouse(0xEB), (Bytes{0xFA, 8, 7, 0}));
    EXPECT_EQ(to_mouse(0xEE), Bytes{0xFA});
    EXPECT_EQ(to_mouse(0xF4), Bytes{0xF4});
    EXPECT_EQ(to_mouse(0xEC), Bytes{0xFA});
    EXPECT_EQ(to_mouse(0xEA), Bytes{0xFA});
}

TEST_F(I8042Test, HostileSequencesStayBounded) {
    u32 random = 7;
    for (int i = 0; i < 100'000; ++i) {
        random = random * 1664525 + 1013904223;
        switch (random >> 29) {
        case 0: bus.read(0x60, 1); break;
        case 1: status(); break;
        case 2: keyboard.key(static_cast<Key>((random >> 8) % key_count), (random & 0x10000) != 0); break;
        case 3: mouse.move(static_cast<int>(random), static_cast<int>(random * 3), 1 << 31, random >> 8 & 0xFF); break;
        case 4:
        case 5: command(random >> 16 & 0xFF); break;
        default: data(random >> 16 & 0xFF); break;
        }
        clock.advance(random >> 12 & 0xFFFF);
    }
}

} // namespace
} // namespace truering

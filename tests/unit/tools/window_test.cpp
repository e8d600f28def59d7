// The window without a screen: SDL's dummy driver takes pictures and hands on events that the test makes.
#include "machine/pc.hpp"
#include "tools/truering/display.hpp"
#include "tools/truering/window_keys.hpp"

#include <SDL.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace truering {
namespace {

class WindowTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ::setenv("SDL_VIDEODRIVER", "dummy", 1);
        Firmware firmware;
        firmware.system.bytes.assign(64 * 1024, 0xF4);
        firmware.video.bytes.assign(512, 0);
        PcConfig config;
        config.memory = 1 << 20;
        pc = std::make_unique<Pc>(config, firmware, PcPlugs{}, Kernels{}, MessageSink{});
        window = open_window("test", false);
    }

    void push(const SDL_Event& event) {
        SDL_Event copy = event;
        SDL_PushEvent(&copy);
        window->update(*pc);
    }
    void key(SDL_Scancode code, bool down, Uint16 modifiers = 0) {
        SDL_Event event{};
        event.type = down ? SDL_KEYDOWN : SDL_KEYUP;
        event.key.keysym.scancode = code;
        event.key.keysym.mod = modifiers;
        push(event);
    }

    std::unique_ptr<Pc> pc;
    std::unique_ptr<Display> window;
};

TEST_F(WindowTest, KeysGoDownAndUp) {
    key(SDL_SCANCODE_A, true);
    EXPECT_TRUE(pc->keyboard.pressed(Key::A));
    key(SDL_SCANCODE_A, false);
    EXPECT_FALSE(pc->keyboard.pressed(Key::A));
}

TEST_F(WindowTest, ItsOwnKeysStayHere) {
    key(SDL_SCANCODE_F, true, KMOD_LCTRL | KMOD_LALT);
    EXPECT_FALSE(pc->keyboard.pressed(Key::F));
    key(SDL_SCANCODE_F, true);
    EXPECT_TRUE(pc->keyboard.pressed(Key::F));
}

TEST_F(WindowTest, LosingTheFocusReleasesAllKeys) {
    key(SDL_SCANCODE_LSHIFT, true);
    EXPECT_TRUE(pc->keyboard.pressed(Key::LeftShift));
    SDL_Event event{};
    event.type = SDL_WINDOWEVENT;
    event.window.event = SDL_WINDOWEVENT_FOCUS_LOST;
    push(event);
    EXPECT_FALSE(pc->keyboard.pressed(Key::LeftShift));
}

TEST_F(WindowTest, ClosingQuits) {
    EXPECT_FALSE(window->wants_to_quit());
    SDL_Event event{};
    event.type = SDL_QUIT;
    push(event);
    EXPECT_TRUE(window->wants_to_quit());
}

TEST(WindowKeys, NoTwoPlacesGiveTheSameKey) {
    std::set<Key> keys;
    for (int code = 0; code < SDL_NUM_SCANCODES; ++code) {
        if (code == SDL_SCANCODE_NONUSHASH) continue; // some keyboards' backslash
        if (const auto key = key_of(static_cast<SDL_Scancode>(code))) {
            EXPECT_TRUE(keys.insert(*key).second) << code;
        }
    }
    EXPECT_GE(keys.size(), 105u);
}

} // namespace
} // namespace truering

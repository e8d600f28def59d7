// SDL's names of keys by their place, as keys of a PC keyboard.
#pragma once

#include "devices/keys.hpp"

#include <SDL_scancode.h>

#include <optional>

namespace truering {

std::optional<Key> key_of(SDL_Scancode code);

} // namespace truering

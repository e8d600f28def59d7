// The VGA text screen: 80 x 25 cells of two bytes (character, colour) at physical address B8000H.
#pragma once

namespace demo::screen {

void clear();
void put(char c); // at the cursor; scrolls at the bottom

} // namespace demo::screen

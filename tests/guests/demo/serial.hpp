// COM1: a 16550 UART at ports 3F8H to 3FFH, used for output only.
#pragma once

namespace demo::serial {

void start();     // 115200 baud, 8 data bits, no parity, 1 stop bit
void put(char c); // waits until the transmitter takes it; "\n" goes out as "\r\n"

} // namespace demo::serial

// Where the hidden range is mapped for the guest: at the very top of a 36-bit physical address space, where no machine
// of this kind has anything. Reads are all ones, writes are lost, as where no memory module is plugged in.
#pragma once

#include "base/types.hpp"

namespace ringmaster {

inline constexpr truering::u64 empty_socket = 0xF'FFE0'0000;

// For a processor with 32 address bits: 4 MiB that firmware gives to devices last, if ever.
inline constexpr truering::u32 empty_socket_below_4G = 0xF800'0000;

} // namespace ringmaster

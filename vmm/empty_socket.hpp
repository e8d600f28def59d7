// Where the hidden range is mapped for the guest: 2 MiB at the very top of a 36-bit physical address space, where no
// machine of this kind has anything. Reads are all ones, writes are lost, as where no memory module is plugged in.
#pragma once

#include "base/types.hpp"

namespace ringmaster {

inline constexpr truering::u64 empty_socket = 0xF'FFE0'0000;

} // namespace ringmaster

// `--machine pc,acpi=off`: the firmware is given ACPI tables of our own that describe nothing, and so makes none
// itself.
//
// Some operating systems of ACPI's first years decide by these tables which drivers they install, and are better off
// without. The power management chip stays where it is: powering off by its ports still works.
//
// The tables come as files of fw_cfg, and a script tells the firmware where to put them: the root pointer in the
// F segment, the table that it points to in high memory.
//
// Source: ACPI 1.0b, 5.2.4 (root system description pointer) and 5.2.5 (RSDT); QEMU's "etc/table-loader" as SeaBIOS
// executes it.
#pragma once

#include "devices/fw_cfg.hpp"

namespace truering {

void add_empty_acpi(FwCfg& fw_cfg);

} // namespace truering

// PCI as a card sees it (PciFunction) and as the machine wires it (PciHost).
#pragma once

#include "devices/pci_function.hpp"
#include "devices/pci_host.hpp"

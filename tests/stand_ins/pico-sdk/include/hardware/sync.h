#pragma once

/// Sleeps until an interrupt: here it makes the bits of the next transfer and calls its handler.
void __wfi();

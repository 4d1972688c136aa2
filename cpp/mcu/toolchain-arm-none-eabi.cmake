# GCC for Cortex-M: cmake -S cpp -B build/mcu -DCMAKE_TOOLCHAIN_FILE=mcu/toolchain-arm-none-eabi.cmake [-D...]
#   MLTK_MCU_CPU    cortex-m0plus, cortex-m3, cortex-m4 (the default), cortex-m7, cortex-m33 or cortex-m55;
#                   any other core of the compiler's gets the library without firmware
#   MLTK_MCU_FLOAT  soft, softfp or hard; the default is hard where the core can have a floating-point unit
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # nothing links without a linker script
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MLTK_MCU_CPU MLTK_MCU_FLOAT)

set(MLTK_MCU_CPU cortex-m4 CACHE STRING "Core to build for")
if(MLTK_MCU_CPU MATCHES "^cortex-m(0|0plus|1|3|23)$")
  set(MLTK_MCU_FLOAT soft CACHE STRING "Floating-point calling convention")
else()
  set(MLTK_MCU_FLOAT hard CACHE STRING "Floating-point calling convention")
endif()
set(target -mcpu=${MLTK_MCU_CPU} -mthumb -mfloat-abi=${MLTK_MCU_FLOAT})
if(NOT MLTK_MCU_FLOAT STREQUAL "soft")
  set(unit_cortex-m4 fpv4-sp-d16)
  set(unit_cortex-m7 fpv5-sp-d16)
  set(unit_cortex-m33 fpv5-sp-d16)
  if(DEFINED unit_${MLTK_MCU_CPU})
    list(APPEND target -mfpu=${unit_${MLTK_MCU_CPU}})
  else()
    list(APPEND target -mfpu=auto)
  endif()
endif()
# Options, so that CMAKE_CXX_FLAGS stays the caller's.
add_compile_options(${target} -ffunction-sections -fdata-sections -fno-unwind-tables -fno-asynchronous-unwind-tables
                    "$<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti>")
add_link_options(${target} -Wl,--gc-sections)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

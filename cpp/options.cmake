# Warnings and numeric rules that every target of ours shares. Contracting a*b+c into one rounding
# would change filter weights by one unit, so it is off everywhere.
add_library(mltk_options INTERFACE)
if(MSVC)
  # Its /fp:precise does not contract.
  target_compile_options(mltk_options INTERFACE /W3 /utf-8 /fp:precise)
  target_compile_definitions(mltk_options INTERFACE _CRT_SECURE_NO_WARNINGS NOMINMAX)
else()
  target_compile_options(mltk_options INTERFACE -Wall -Wextra $<$<BOOL:${MLTK_STRICT}>:-Werror> -ffp-contract=off)
endif()
if(MLTK_SANITIZE)
  target_compile_options(mltk_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(mltk_options INTERFACE -fsanitize=address,undefined)
endif()

# Options of one library for GCC and Clang; Microsoft's compiler has none of these and goes by the build type.
function(mltk_gnu_options target)
  if(NOT MSVC)
    target_compile_options(${target} PRIVATE ${ARGN})
  endif()
endfunction()

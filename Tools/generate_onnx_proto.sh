#!/bin/sh
# Makes Sources/ONNXProto/onnx.pb.swift of onnx.proto. Needs protoc, and protoc-gen-swift of the swift-protobuf release that
# Package.swift names (`swift build --product protoc-gen-swift` in its checkout); both are looked up in PATH, or given:
#   PROTOC="python3 -m grpc_tools.protoc" PLUGIN=/path/to/protoc-gen-swift Tools/generate_onnx_proto.sh
set -eu
cd "$(dirname "$0")/../Sources/ONNXProto"
${PROTOC:-protoc} --plugin="protoc-gen-swift=${PLUGIN:-$(command -v protoc-gen-swift)}" -I. \
  --swift_opt=Visibility=Package --swift_opt=UseAccessLevelOnImports=true --swift_out=. onnx.proto

// Made by Tools/checkpoint_fixtures.py.

struct CheckpointFixture: Sendable {
  struct Parameter: Sendable {
    let name: String
    let type: String
    let shape: [Int]
    let values: [Double]
  }

  let name: String
  let file: String
  let path: [String]
  let skipped: [String]
  let parameters: [Parameter]
}

struct RefusedCheckpoint: Sendable {
  let name: String
  let file: String
  let reason: String
}

enum CheckpointFixtures {
  /// Files in base 64, and the parameters that they hold.
  static let all: [CheckpointFixture] = [
    CheckpointFixture(
      name: "state dict, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACY2NvbGxlY3Rpb25zCk9yZGVyZWRE\
        aWN0CnEAKVJxAShYBgAAAHdlaWdodHECY3RvcmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcQMoKFgHAAAAc3RvcmFnZXEEY3RvcmNoCkZsb2F0\
        U3RvcmFnZQpxBVgBAAAAMHEGWAMAAABjcHVxB0sGdHEIUUsASwJLA4ZxCUsDSwGGcQqJaAApUnELdHEMUnENWAQAAABiaWFzcQ5oAygoaARoBVgBAAAA\
        MXEPaAdLAnRxEFFLAEsChXERSwGFcRKJaAApUnETdHEUUnEVdS5QSwcIRyaFA+sAAADrAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAXABAAYXJj\
        aGl2ZS8uZm9ybWF0X3ZlcnNpb25GQgwAWlpaWlpaWlpaWlpaMVBLBwi379yDAQAAAAEAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABoANwBhcmNo\
        aXZlLy5zdG9yYWdlX2FsaWdubWVudEZCMwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo2NFBLBwg/d3Hp\
        AgAAAAIAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABEAPwBhcmNoaXZlL2J5dGVvcmRlckZCOwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWmxpdHRsZVBLBwiFPeMZBgAAAAYAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4APgBhcmNo\
        aXZlL2RhdGEvMEZCOgBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAAAAAAAAgD4AAAA/AABA\
        PwAAgD8AAKA/UEsHCFLl5x8YAAAAGAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgAsAGFyY2hpdmUvZGF0YS8xRkIoAFpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloAAEDAAAAwwFBLBwidyU3HCAAAAAgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA8AOwBhcmNoaXZl\
        L3ZlcnNpb25GQjcAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjMKUEsHCNGeZ1UCAAAAAgAAAFBL\
        AwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAHgAyAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZEZCLgBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaMDU2MTEwODUyMzYxOTY3MDUyOTQxMTYzNzA2MTQyNzg0OTE3Njc0NVBLBwgMzMvcKAAAACgAAABQSwECAAAAAAgI\
        AAAAAAAARyaFA+sAAADrAAAAEAAAAAAAAAAAAAAAAAAAAAAAYXJjaGl2ZS9kYXRhLnBrbFBLAQIAAAAACAgAAAAAAAC379yDAQAAAAEAAAAXAAAAAAAA\
        AAAAAAAAADsBAABhcmNoaXZlLy5mb3JtYXRfdmVyc2lvblBLAQIAAAAACAgAAAAAAAA/d3HpAgAAAAIAAAAaAAAAAAAAAAAAAAAAAJEBAABhcmNoaXZl\
        Ly5zdG9yYWdlX2FsaWdubWVudFBLAQIAAAAACAgAAAAAAACFPeMZBgAAAAYAAAARAAAAAAAAAAAAAAAAABICAABhcmNoaXZlL2J5dGVvcmRlclBLAQIA\
        AAAACAgAAAAAAABS5ecfGAAAABgAAAAOAAAAAAAAAAAAAAAAAJYCAABhcmNoaXZlL2RhdGEvMFBLAQIAAAAACAgAAAAAAACdyU3HCAAAAAgAAAAOAAAA\
        AAAAAAAAAAAAACgDAABhcmNoaXZlL2RhdGEvMVBLAQIAAAAACAgAAAAAAADRnmdVAgAAAAIAAAAPAAAAAAAAAAAAAAAAAJgDAABhcmNoaXZlL3ZlcnNp\
        b25QSwECAAAAAAgIAAAAAAAADMzL3CgAAAAoAAAAHgAAAAAAAAAAAAAAAAASBAAAYXJjaGl2ZS8uZGF0YS9zZXJpYWxpemF0aW9uX2lkUEsGBiwAAAAA\
        AAAAHgMtAAAAAAAAAAAACAAAAAAAAAAIAAAAAAAAAAsCAAAAAAAAuAQAAAAAAABQSwYHAAAAAMMGAAAAAAAAAQAAAFBLBQYAAAAACAAIAAsCAAC4BAAA\
        AAA=
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "state dict, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAmNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxAClScQEoWAYA\
        AAB3ZWlnaHRxAmN0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YyCnEDKChYBwAAAHN0b3JhZ2VxBGN0b3JjaApGbG9hdFN0b3JhZ2UKcQVYDgAA\
        ADk0MjE3MjYyOTk3MjQ4cQZYAwAAAGNwdXEHSwZOdHEIUUsASwJLA4ZxCUsDSwGGcQqJaAApUnELdHEMUnENWAQAAABiaWFzcQ5oAygoaARoBVgOAAAA\
        OTQyMTcyNjMwMDU1MzZxD2gHSwJOdHEQUUsASwKFcRFLAYVxEoloAClScRN0cRRScRV1LoACXXEAKFgOAAAAOTQyMTcyNjI5OTcyNDhxAVgOAAAAOTQy\
        MTcyNjMwMDU1MzZxAmUuBgAAAAAAAAAAAAAAAACAPgAAAD8AAEA/AACAPwAAoD8CAAAAAAAAAAAAQMAAADDA
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "state dict, zip, deflated",
      file: """
        UEsDBBQAAAAIAGczdV1HJoUDxAAAAOsAAAAbAAAAb3RoZXIgbmFtZSBhcmNoaXZlL2RhdGEucGtsJY7LTsMwFESdBwkYypt/CJuq8A1VN15UhI13UepY\
        tSWrZuybsmXTSv3rmmZ1pdE5M/cvV8o7pxVZv4t8HQYd9LC0ijjYe4uskRVj7FfbrSHkinxQZt6NZF3kXdCb0bqhI72LPnT7T46iaWSdjJjIfqtRTgpf\
        Od/T9xRyXMksMQtUskhX/YyoRUW4/hJM5KI44kYUIjuCn8z/F7eEuxYzWSZ4Y/uIe5N2TGmmng88mFrkhMeLf8CTyA54ntwXwmuLt3F+BlBLAwQUAAAA\
        CABnM3Vdt+/cgwMAAAABAAAAIgAAAG90aGVyIG5hbWUgYXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb24zBABQSwMEFAAAAAgAZzN1XT93cekEAAAAAgAAACUA\
        AABvdGhlciBuYW1lIGFyY2hpdmUvLnN0b3JhZ2VfYWxpZ25tZW50MzMBAFBLAwQUAAAACABnM3VdhT3jGQgAAAAGAAAAHAAAAG90aGVyIG5hbWUgYXJj\
        aGl2ZS9ieXRlb3JkZXLLySwpyUkFAFBLAwQUAAAACABnM3VdUuXnHxMAAAAYAAAAGQAAAG90aGVyIG5hbWUgYXJjaGl2ZS9kYXRhLzBjYACBBjsgYc/A\
        4ADEDUC8wB4AUEsDBBQAAAAIAGczdV2dyU3HCgAAAAgAAAAZAAAAb3RoZXIgbmFtZSBhcmNoaXZlL2RhdGEvMWNgcDjAwGBwAABQSwMEFAAAAAgAZzN1\
        XdGeZ1UEAAAAAgAAABoAAABvdGhlciBuYW1lIGFyY2hpdmUvdmVyc2lvbjPmAgBQSwMEFAAAAAgAZzN1XQzMy9wiAAAAKAAAACkAAABvdGhlciBuYW1l\
        IGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZAXBBwEAMAwCMEvQcVr/xpbAIbGeF14Kz4nMK0JNV8em8gdQSwECFAMUAAAACABnM3VdRyaFA8QA\
        AADrAAAAGwAAAAAAAAAAAAAAgAEAAAAAb3RoZXIgbmFtZSBhcmNoaXZlL2RhdGEucGtsUEsBAhQDFAAAAAgAZzN1Xbfv3IMDAAAAAQAAACIAAAAAAAAA\
        AAAAAIAB/QAAAG90aGVyIG5hbWUgYXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb25QSwECFAMUAAAACABnM3VdP3dx6QQAAAACAAAAJQAAAAAAAAAAAAAAgAFA\
        AQAAb3RoZXIgbmFtZSBhcmNoaXZlLy5zdG9yYWdlX2FsaWdubWVudFBLAQIUAxQAAAAIAGczdV2FPeMZCAAAAAYAAAAcAAAAAAAAAAAAAACAAYcBAABv\
        dGhlciBuYW1lIGFyY2hpdmUvYnl0ZW9yZGVyUEsBAhQDFAAAAAgAZzN1XVLl5x8TAAAAGAAAABkAAAAAAAAAAAAAAIAByQEAAG90aGVyIG5hbWUgYXJj\
        aGl2ZS9kYXRhLzBQSwECFAMUAAAACABnM3VdnclNxwoAAAAIAAAAGQAAAAAAAAAAAAAAgAETAgAAb3RoZXIgbmFtZSBhcmNoaXZlL2RhdGEvMVBLAQIU\
        AxQAAAAIAGczdV3RnmdVBAAAAAIAAAAaAAAAAAAAAAAAAACAAVQCAABvdGhlciBuYW1lIGFyY2hpdmUvdmVyc2lvblBLAQIUAxQAAAAIAGczdV0MzMvc\
        IgAAACgAAAApAAAAAAAAAAAAAACAAZACAABvdGhlciBuYW1lIGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZFBLBQYAAAAACAAIAGMCAAD5AgAA\
        AAA=
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "state dict, zip, protocol 4",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoAElc0AAAAAAAAAjAtjb2xsZWN0aW9u\
        c5SMC09yZGVyZWREaWN0lJOUKVKUKIwGd2VpZ2h0lIwMdG9yY2guX3V0aWxzlIwSX3JlYnVpbGRfdGVuc29yX3YylJOUKCiMB3N0b3JhZ2WUjAV0b3Jj\
        aJSMDEZsb2F0U3RvcmFnZZSTlIwBMJSMA2NwdZRLBnSUUUsASwJLA4aUSwNLAYaUiWgCKVKUdJRSlIwEYmlhc5RoBygoaAhoC4wBMZRoDUsCdJRRSwBL\
        AoWUSwGFlIloAilSlHSUUpR1LlBLBwjW634R2AAAANgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABcAIwBhcmNoaXZlLy5mb3JtYXRfdmVyc2lv\
        bkZCHwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaMVBLBwi379yDAQAAAAEAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABoANwBhcmNo\
        aXZlLy5zdG9yYWdlX2FsaWdubWVudEZCMwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo2NFBLBwg/d3Hp\
        AgAAAAIAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABEAPwBhcmNoaXZlL2J5dGVvcmRlckZCOwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWmxpdHRsZVBLBwiFPeMZBgAAAAYAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4APgBhcmNo\
        aXZlL2RhdGEvMEZCOgBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAAAAAAAAgD4AAAA/AABA\
        PwAAgD8AAKA/UEsHCFLl5x8YAAAAGAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgAsAGFyY2hpdmUvZGF0YS8xRkIoAFpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloAAEDAAAAwwFBLBwidyU3HCAAAAAgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA8AOwBhcmNoaXZl\
        L3ZlcnNpb25GQjcAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjMKUEsHCNGeZ1UCAAAAAgAAAFBL\
        AwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAHgAyAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZEZCLgBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaMDU2MTEwODUyMzYxOTY3MDUyOTQxMTIzOTQzMDY0ODEyMjgzMjM0NlBLBwhkQgt6KAAAACgAAABQSwECAAAAAAgI\
        AAAAAAAA1ut+EdgAAADYAAAAEAAAAAAAAAAAAAAAAAAAAAAAYXJjaGl2ZS9kYXRhLnBrbFBLAQIAAAAACAgAAAAAAAC379yDAQAAAAEAAAAXAAAAAAAA\
        AAAAAAAAACgBAABhcmNoaXZlLy5mb3JtYXRfdmVyc2lvblBLAQIAAAAACAgAAAAAAAA/d3HpAgAAAAIAAAAaAAAAAAAAAAAAAAAAAJEBAABhcmNoaXZl\
        Ly5zdG9yYWdlX2FsaWdubWVudFBLAQIAAAAACAgAAAAAAACFPeMZBgAAAAYAAAARAAAAAAAAAAAAAAAAABICAABhcmNoaXZlL2J5dGVvcmRlclBLAQIA\
        AAAACAgAAAAAAABS5ecfGAAAABgAAAAOAAAAAAAAAAAAAAAAAJYCAABhcmNoaXZlL2RhdGEvMFBLAQIAAAAACAgAAAAAAACdyU3HCAAAAAgAAAAOAAAA\
        AAAAAAAAAAAAACgDAABhcmNoaXZlL2RhdGEvMVBLAQIAAAAACAgAAAAAAADRnmdVAgAAAAIAAAAPAAAAAAAAAAAAAAAAAJgDAABhcmNoaXZlL3ZlcnNp\
        b25QSwECAAAAAAgIAAAAAAAAZEILeigAAAAoAAAAHgAAAAAAAAAAAAAAAAASBAAAYXJjaGl2ZS8uZGF0YS9zZXJpYWxpemF0aW9uX2lkUEsGBiwAAAAA\
        AAAAHgMtAAAAAAAAAAAACAAAAAAAAAAIAAAAAAAAAAsCAAAAAAAAuAQAAAAAAABQSwYHAAAAAMMGAAAAAAAAAQAAAFBLBQYAAAAACAAIAAsCAAC4BAAA\
        AAA=
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "state dict, legacy, protocol 1",
      file: """
        TDExOTU0NzAzNzE0NjAzODgwMTMzMzM1NkwKLk3pAy59cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAkkwMQpY\
        CgAAAHR5cGVfc2l6ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS5jY29sbGVjdGlvbnMKT3JkZXJlZERpY3QK\
        cQApUnEBKFgGAAAAd2VpZ2h0cQJjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxAygoWAcAAABzdG9yYWdlcQRjdG9yY2gKRmxvYXRTdG9y\
        YWdlCnEFWA4AAAA5NDIxNzI2Mjk5NzI0OHEGWAMAAABjcHVxB0sGTnRxCFFLAChLAksDdHEJKEsDSwF0cQpJMDAKaAApUnELdHEMUnENWAQAAABiaWFz\
        cQ5oAygoaARoBVgOAAAAOTQyMTcyNjMwMDU1MzZxD2gHSwJOdHEQUUsAKEsCdHERKEsBdHESSTAwCmgAKVJxE3RxFFJxFXUuXXEAKFgOAAAAOTQyMTcy\
        NjI5OTcyNDhxAVgOAAAAOTQyMTcyNjMwMDU1MzZxAmUuBgAAAAAAAAAAAAAAAACAPgAAAD8AAEA/AACAPwAAoD8CAAAAAAAAAAAAQMAAADDA
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "state dict, legacy, protocol 5",
      file: """
        gAWVDQAAAAAAAACKCmz8nEb5IGqoUBkugAWVBAAAAAAAAABN6QMugAWVWAAAAAAAAAB9lCiMEHByb3RvY29sX3ZlcnNpb26UTekDjA1saXR0bGVfZW5k\
        aWFulIiMCnR5cGVfc2l6ZXOUfZQojAVzaG9ydJRLAowDaW50lEsEjARsb25nlEsEdXUugAWV6QAAAAAAAACMC2NvbGxlY3Rpb25zlIwLT3JkZXJlZERp\
        Y3SUk5QpUpQojAZ3ZWlnaHSUjAx0b3JjaC5fdXRpbHOUjBJfcmVidWlsZF90ZW5zb3JfdjKUk5QoKIwHc3RvcmFnZZSMBXRvcmNolIwMRmxvYXRTdG9y\
        YWdllJOUjA45NDIxNzI2Mjk5NzI0OJSMA2NwdZRLBk50lFFLAEsCSwOGlEsDSwGGlIloAilSlHSUUpSMBGJpYXOUaAcoKGgIaAuMDjk0MjE3MjYzMDA1\
        NTM2lGgNSwJOdJRRSwBLAoWUSwGFlIloAilSlHSUUpR1LoAFlScAAAAAAAAAXZQojA45NDIxNzI2Mjk5NzI0OJSMDjk0MjE3MjYzMDA1NTM2lGUuBgAA\
        AAAAAAAAAAAAAACAPgAAAD8AAEA/AACAPwAAoD8CAAAAAAAAAAAAQMAAADDA
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "views of one storage, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACY2NvbGxlY3Rpb25zCk9yZGVyZWRE\
        aWN0CnEAKVJxAShYCgAAAHRyYW5zcG9zZWRxAmN0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YyCnEDKChYBwAAAHN0b3JhZ2VxBGN0b3JjaApG\
        bG9hdFN0b3JhZ2UKcQVYAQAAADBxBlgDAAAAY3B1cQdLGHRxCFFLAEsGSwSGcQlLAUsGhnEKiWgAKVJxC3RxDFJxDVgEAAAAcm93c3EOaAMoKGgEaAVo\
        BmgHSxh0cQ9RSwZLAksGhnEQSwZLAYZxEYloAClScRJ0cRNScRRYBwAAAGNvbHVtbnNxFWgDKChoBGgFaAZoB0sYdHEWUUsBSwRLAoZxF0sGSwKGcRiJ\
        aAApUnEZdHEaUnEbWAMAAABvbmVxHGgDKChoBGgFaAZoB0sYdHEdUUsPKSmJaAApUnEedHEfUnEgWAgAAABleHBhbmRlZHEhaAMoKGgEaAVoBmgHSxh0\
        cSJRSwBLA0sChnEjSwBLAIZxJIloAClScSV0cSZScSdYBQAAAGFnYWlucShoAygoaARoBWgGaAdLGHRxKVFLAEsESwaGcSpLBksBhnEriWgAKVJxLHRx\
        LVJxLlgFAAAAd2hvbGVxL2guWAgAAABwZXJtdXRlZHEwaAMoKGgEaAVYAQAAADFxMWgHSxh0cTJRSwBLBEsCSwOHcTNLAUsMSwSHcTSJaAApUnE1dHE2\
        UnE3WAUAAABlbXB0eXE4aAMoKGgEaAVYAQAAADJxOWgHSwB0cTpRSwBLAEsDhnE7SwNLAYZxPIloAClScT10cT5ScT9YBAAAAHVuaXRxQGgDKChoBGgF\
        aAZoB0sYdHFBUUsASwFLA4ZxQooIAAAAAAAAAEBLAYZxQ4loAClScUR0cUVScUZ1LlBLBwgkBXCpqQIAAKkCAABQSwMEAAAICAAAAAAAAAAAAAAAAAAA\
        AAAAABcAEgBhcmNoaXZlLy5mb3JtYXRfdmVyc2lvbkZCDgBaWlpaWlpaWlpaWlpaWjFQSwcIt+/cgwEAAAABAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAA\
        AAAAAAAaADcAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRGQjMAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaNjRQSwcIP3dx6QIAAAACAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAARAD8AYXJjaGl2ZS9ieXRlb3JkZXJGQjsAWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpsaXR0bGVQSwcIhT3jGQYAAAAGAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAA\
        AAAAAAAOAD4AYXJjaGl2ZS9kYXRhLzBGQjoAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAA\
        AAAAAIA+AAAAPwAAQD8AAIA/AACgPwAAwD8AAOA/AAAAQAAAEEAAACBAAAAwQAAAQEAAAFBAAABgQAAAcEAAAIBAAACIQAAAkEAAAJhAAACgQAAAqEAA\
        ALBAAAC4QFBLBwiAOwNYYAAAAGAAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4AJABhcmNoaXZlL2RhdGEvMUZCIABaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWgAAAAAAAIA+AAAAPwAAQD8AAIA/AACgPwAAwD8AAOA/AAAAQAAAEEAAACBAAAAwQAAAQEAAAFBAAABgQAAAcEAAAIBAAACI\
        QAAAkEAAAJhAAACgQAAAqEAAALBAAAC4QFBLBwiAOwNYYAAAAGAAAABQSwMEAAAACAAAAAAAAAAAAAAAAAAAAAAAAA4AJABhcmNoaXZlL2RhdGEvMkZC\
        IABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADwATAGFyY2hpdmUvdmVyc2lvbkZCDwBaWlpa\
        WlpaWlpaWlpaWlozClBLBwjRnmdVAgAAAAIAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAB4AMgBhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25f\
        aWRGQi4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjA4NDk0ODg4NDc5NjUwNDg3MzUwMDQ2NTY2NDEyMTM1MTQz\
        NjYwMzdQSwcI3Te/oygAAAAoAAAAUEsBAgAAAAAICAAAAAAAACQFcKmpAgAAqQIAABAAAAAAAAAAAAAAAAAAAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwEC\
        AAAAAAgIAAAAAAAAt+/cgwEAAAABAAAAFwAAAAAAAAAAAAAAAAD5AgAAYXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb25QSwECAAAAAAgIAAAAAAAAP3dx6QIA\
        AAACAAAAGgAAAAAAAAAAAAAAAABRAwAAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRQSwECAAAAAAgIAAAAAAAAhT3jGQYAAAAGAAAAEQAAAAAAAAAA\
        AAAAAADSAwAAYXJjaGl2ZS9ieXRlb3JkZXJQSwECAAAAAAgIAAAAAAAAgDsDWGAAAABgAAAADgAAAAAAAAAAAAAAAABWBAAAYXJjaGl2ZS9kYXRhLzBQ\
        SwECAAAAAAgIAAAAAAAAgDsDWGAAAABgAAAADgAAAAAAAAAAAAAAAAAwBQAAYXJjaGl2ZS9kYXRhLzFQSwECAAAAAAAIAAAAAAAAAAAAAAAAAAAAAAAA\
        DgAAAAAAAAAAAAAAAADwBQAAYXJjaGl2ZS9kYXRhLzJQSwECAAAAAAgIAAAAAAAA0Z5nVQIAAAACAAAADwAAAAAAAAAAAAAAAABABgAAYXJjaGl2ZS92\
        ZXJzaW9uUEsBAgAAAAAICAAAAAAAAN03v6MoAAAAKAAAAB4AAAAAAAAAAAAAAAAAkgYAAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZFBLBgYs\
        AAAAAAAAAB4DLQAAAAAAAAAAAAkAAAAAAAAACQAAAAAAAABHAgAAAAAAADgHAAAAAAAAUEsGBwAAAAB/CQAAAAAAAAEAAABQSwUGAAAAAAkACQBHAgAA\
        OAcAAAAA
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "transposed", type: "float32", shape: [6, 4],
          values: [
            0.0, 1.5, 3.0, 4.5, 0.25, 1.75, 3.25, 4.75, 0.5, 2.0, 3.5, 5.0, 0.75, 2.25, 3.75, 5.25, 1.0, 2.5, 4.0, 5.5, 1.25,
            2.75, 4.25, 5.75,
          ]),
        .init(
          name: "rows", type: "float32", shape: [2, 6],
          values: [
            1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.25,
          ]),
        .init(
          name: "columns", type: "float32", shape: [4, 2],
          values: [0.25, 0.75, 1.75, 2.25, 3.25, 3.75, 4.75, 5.25]),
        .init(
          name: "one", type: "float32", shape: [],
          values: [3.75]),
        .init(
          name: "expanded", type: "float32", shape: [3, 2],
          values: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        .init(
          name: "again", type: "float32", shape: [4, 6],
          values: [
            0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.25, 4.5, 4.75,
            5.0, 5.25, 5.5, 5.75,
          ]),
        .init(
          name: "whole", type: "float32", shape: [4, 6],
          values: [
            0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.25, 4.5, 4.75,
            5.0, 5.25, 5.5, 5.75,
          ]),
        .init(
          name: "permuted", type: "float32", shape: [4, 2, 3],
          values: [
            0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.25, 1.25, 2.25, 3.25, 4.25, 5.25, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 0.75, 1.75, 2.75,
            3.75, 4.75, 5.75,
          ]),
        .init(
          name: "empty", type: "float32", shape: [0, 3],
          values: []),
        .init(
          name: "unit", type: "float32", shape: [1, 3],
          values: [0.0, 0.25, 0.5]),
      ]),
    CheckpointFixture(
      name: "views of one storage, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAmNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxAClScQEoWAoA\
        AAB0cmFuc3Bvc2VkcQJjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxAygoWAcAAABzdG9yYWdlcQRjdG9yY2gKRmxvYXRTdG9yYWdlCnEF\
        WA4AAAA5NDIxNzE3Njk4OTkwNHEGWAMAAABjcHVxB0sYTnRxCFFLAEsGSwSGcQlLAUsGhnEKiWgAKVJxC3RxDFJxDVgEAAAAcm93c3EOaAMoKGgEaAVY\
        DgAAADk0MjE3MTc2OTg5OTA0cQ9oB0sYTnRxEFFLBksCSwaGcRFLBksBhnESiWgAKVJxE3RxFFJxFVgHAAAAY29sdW1uc3EWaAMoKGgEaAVYDgAAADk0\
        MjE3MTc2OTg5OTA0cRdoB0sYTnRxGFFLAUsESwKGcRlLBksChnEaiWgAKVJxG3RxHFJxHVgDAAAAb25lcR5oAygoaARoBVgOAAAAOTQyMTcxNzY5ODk5\
        MDRxH2gHSxhOdHEgUUsPKSmJaAApUnEhdHEiUnEjWAgAAABleHBhbmRlZHEkaAMoKGgEaAVYDgAAADk0MjE3MTc2OTg5OTA0cSVoB0sYTnRxJlFLAEsD\
        SwKGcSdLAEsAhnEoiWgAKVJxKXRxKlJxK1gFAAAAYWdhaW5xLGgDKChoBGgFWA4AAAA5NDIxNzE3Njk4OTkwNHEtaAdLGE50cS5RSwBLBEsGhnEvSwZL\
        AYZxMIloAClScTF0cTJScTNYBQAAAHdob2xlcTRoM1gIAAAAcGVybXV0ZWRxNWgDKChoBGgFWA4AAAA5NDIxNzI2MzA0OTE1MnE2aAdLGE50cTdRSwBL\
        BEsCSwOHcThLAUsMSwSHcTmJaAApUnE6dHE7UnE8WAUAAABlbXB0eXE9aAMoKGgEaAVYDgAAADk0MjE3MjYzMDYwODY0cT5oB0sATnRxP1FLAEsASwOG\
        cUBLA0sBhnFBiWgAKVJxQnRxQ1JxRFgEAAAAdW5pdHFFaAMoKGgEaAVYDgAAADk0MjE3MTc2OTg5OTA0cUZoB0sYTnRxR1FLAEsBSwOGcUiKCAAAAAAA\
        AABASwGGcUmJaAApUnFKdHFLUnFMdS6AAl1xAChYDgAAADk0MjE3MTc2OTg5OTA0cQFYDgAAADk0MjE3MjYzMDQ5MTUycQJYDgAAADk0MjE3MjYzMDYw\
        ODY0cQNlLhgAAAAAAAAAAAAAAAAAgD4AAAA/AABAPwAAgD8AAKA/AADAPwAA4D8AAABAAAAQQAAAIEAAADBAAABAQAAAUEAAAGBAAABwQAAAgEAAAIhA\
        AACQQAAAmEAAAKBAAACoQAAAsEAAALhAGAAAAAAAAAAAAAAAAACAPgAAAD8AAEA/AACAPwAAoD8AAMA/AADgPwAAAEAAABBAAAAgQAAAMEAAAEBAAABQ\
        QAAAYEAAAHBAAACAQAAAiEAAAJBAAACYQAAAoEAAAKhAAACwQAAAuEAAAAAAAAAAAA==
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "transposed", type: "float32", shape: [6, 4],
          values: [
            0.0, 1.5, 3.0, 4.5, 0.25, 1.75, 3.25, 4.75, 0.5, 2.0, 3.5, 5.0, 0.75, 2.25, 3.75, 5.25, 1.0, 2.5, 4.0, 5.5, 1.25,
            2.75, 4.25, 5.75,
          ]),
        .init(
          name: "rows", type: "float32", shape: [2, 6],
          values: [
            1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.25,
          ]),
        .init(
          name: "columns", type: "float32", shape: [4, 2],
          values: [0.25, 0.75, 1.75, 2.25, 3.25, 3.75, 4.75, 5.25]),
        .init(
          name: "one", type: "float32", shape: [],
          values: [3.75]),
        .init(
          name: "expanded", type: "float32", shape: [3, 2],
          values: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        .init(
          name: "again", type: "float32", shape: [4, 6],
          values: [
            0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.25, 4.5, 4.75,
            5.0, 5.25, 5.5, 5.75,
          ]),
        .init(
          name: "whole", type: "float32", shape: [4, 6],
          values: [
            0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.25, 4.5, 4.75,
            5.0, 5.25, 5.5, 5.75,
          ]),
        .init(
          name: "permuted", type: "float32", shape: [4, 2, 3],
          values: [
            0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.25, 1.25, 2.25, 3.25, 4.25, 5.25, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 0.75, 1.75, 2.75,
            3.75, 4.75, 5.75,
          ]),
        .init(
          name: "empty", type: "float32", shape: [0, 3],
          values: []),
        .init(
          name: "unit", type: "float32", shape: [1, 3],
          values: [0.0, 0.25, 0.5]),
      ]),
    CheckpointFixture(
      name: "element types, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACY2NvbGxlY3Rpb25zCk9yZGVyZWRE\
        aWN0CnEAKVJxAShYBwAAAGNvbXBsZXhxAmN0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YyCnEDKChYBwAAAHN0b3JhZ2VxBGN0b3JjaApDb21w\
        bGV4RmxvYXRTdG9yYWdlCnEFWAEAAAAwcQZYAwAAAGNwdXEHSwF0cQhRSwBLAYVxCUsBhXEKiWgAKVJxC3RxDFJxDVgEAAAAd2lkZXEOaAMoKGgEY3Rv\
        cmNoCkxvbmdTdG9yYWdlCnEPWAEAAAAxcRBoB0sBdHERUUsASwGFcRJLAYVxE4loAClScRR0cRVScRZYBgAAAGRvdWJsZXEXaAMoKGgEY3RvcmNoCkRv\
        dWJsZVN0b3JhZ2UKcRhYAQAAADJxGWgHSwN0cRpRSwBLA4VxG0sBhXEciWgAKVJxHXRxHlJxH1gEAAAAaGFsZnEgaAMoKGgEY3RvcmNoCkhhbGZTdG9y\
        YWdlCnEhWAEAAAAzcSJoB0sGdHEjUUsASwNLAoZxJEsBSwOGcSWJaAApUnEmdHEnUnEoWAUAAABicmFpbnEpaAMoKGgEY3RvcmNoCkJGbG9hdDE2U3Rv\
        cmFnZQpxKlgBAAAANHEraAdLBHRxLFFLAEsCSwKGcS1LAksBhnEuiWgAKVJxL3RxMFJxMVgEAAAAbG9uZ3EyaAMoKGgEaA9YAQAAADVxM2gHSwJ0cTRR\
        SwBLAoVxNUsBhXE2iWgAKVJxN3RxOFJxOVgDAAAAaW50cTpoAygoaARjdG9yY2gKSW50U3RvcmFnZQpxO1gBAAAANnE8aAdLAnRxPVFLAEsChXE+SwGF\
        cT+JaAApUnFAdHFBUnFCWAUAAABzaG9ydHFDaAMoKGgEY3RvcmNoClNob3J0U3RvcmFnZQpxRFgBAAAAN3FFaAdLAnRxRlFLAEsChXFHSwGFcUiJaAAp\
        UnFJdHFKUnFLWAQAAABjaGFycUxoAygoaARjdG9yY2gKQ2hhclN0b3JhZ2UKcU1YAQAAADhxTmgHSwJ0cU9RSwBLAoVxUEsBhXFRiWgAKVJxUnRxU1Jx\
        VFgEAAAAYnl0ZXFVaAMoKGgEY3RvcmNoCkJ5dGVTdG9yYWdlCnFWWAEAAAA5cVdoB0sCdHFYUUsASwKFcVlLAYVxWoloAClScVt0cVxScV1YBAAAAGJv\
        b2xxXmgDKChoBGN0b3JjaApCb29sU3RvcmFnZQpxX1gCAAAAMTBxYGgHSwJ0cWFRSwBLAoVxYksBhXFjiWgAKVJxZHRxZVJxZnUuUEsHCLrDe77IAwAA\
        yAMAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAFwAzAGFyY2hpdmUvLmZvcm1hdF92ZXJzaW9uRkIvAFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaMVBLBwi379yDAQAAAAEAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABoANwBhcmNoaXZlLy5zdG9yYWdlX2Fs\
        aWdubWVudEZCMwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo2NFBLBwg/d3HpAgAAAAIAAABQSwMEAAAI\
        CAAAAAAAAAAAAAAAAAAAAAAAABEAPwBhcmNoaXZlL2J5dGVvcmRlckZCOwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWmxpdHRsZVBLBwiFPeMZBgAAAAYAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4APgBhcmNoaXZlL2RhdGEvMEZCOgBa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAAAAAAAAgD9QSwcIH2rH6AgAAAAIAAAAUEsDBAAA\
        CAgAAAAAAAAAAAAAAAAAAAAAAAAOADwAYXJjaGl2ZS9kYXRhLzFGQjgAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWloAAAAAAAEAAFBLBwheteBkCAAAAAgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4APABhcmNoaXZlL2RhdGEvMkZCOABaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAAAAAAAAAVVVVVVVVtT9VVVVVVVXFP1BLBwjNSGB5GAAA\
        ABgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4ALABhcmNoaXZlL2RhdGEvM0ZCKABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaAAAANAA4ADoAPAA9UEsHCEZMDA0MAAAADAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgA4AGFyY2hpdmUvZGF0YS80RkI0AFpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloAAIA+AD9AP1BLBwjDDasMCAAAAAgAAABQSwMEAAAICAAAAAAAAAAA\
        AAAAAAAAAAAAAA4APABhcmNoaXZlL2RhdGEvNUZCOABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        Wvv/////////AAAAQAAAAABQSwcIodIX9xAAAAAQAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOADQAYXJjaGl2ZS9kYXRhLzZGQjAAWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaBwAAAPn///9QSwcIT6k3lAgAAAAIAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAA\
        AAAAAAAOADwAYXJjaGl2ZS9kYXRhLzdGQjgAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlrU/iwB\
        UEsHCDD0HnkEAAAABAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgBAAGFyY2hpdmUvZGF0YS84RkI8AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWoB/UEsHCBnm4LoCAAAAAgAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgBCAGFy\
        Y2hpdmUvZGF0YS85RkI+AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAP9QSwcIcv3b\
        bAIAAAACAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAPAEEAYXJjaGl2ZS9kYXRhLzEwRkI9AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloBAFBLBwi+I8JYAgAAAAIAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA8AQQBhcmNoaXZl\
        L3ZlcnNpb25GQj0AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjMKUEsHCNGeZ1UCAAAA\
        AgAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAHgAyAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZEZCLgBaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaMTc5Njg0MjU4ODI0NjAzNTQ5MzIwMjAwMzMxMTEzMzAyOTAzMTcxN1BLBwjqH8irKAAAACgAAABQSwEC\
        AAAAAAgIAAAAAAAAusN7vsgDAADIAwAAEAAAAAAAAAAAAAAAAAAAAAAAYXJjaGl2ZS9kYXRhLnBrbFBLAQIAAAAACAgAAAAAAAC379yDAQAAAAEAAAAX\
        AAAAAAAAAAAAAAAAABgEAABhcmNoaXZlLy5mb3JtYXRfdmVyc2lvblBLAQIAAAAACAgAAAAAAAA/d3HpAgAAAAIAAAAaAAAAAAAAAAAAAAAAAJEEAABh\
        cmNoaXZlLy5zdG9yYWdlX2FsaWdubWVudFBLAQIAAAAACAgAAAAAAACFPeMZBgAAAAYAAAARAAAAAAAAAAAAAAAAABIFAABhcmNoaXZlL2J5dGVvcmRl\
        clBLAQIAAAAACAgAAAAAAAAfasfoCAAAAAgAAAAOAAAAAAAAAAAAAAAAAJYFAABhcmNoaXZlL2RhdGEvMFBLAQIAAAAACAgAAAAAAABeteBkCAAAAAgA\
        AAAOAAAAAAAAAAAAAAAAABgGAABhcmNoaXZlL2RhdGEvMVBLAQIAAAAACAgAAAAAAADNSGB5GAAAABgAAAAOAAAAAAAAAAAAAAAAAJgGAABhcmNoaXZl\
        L2RhdGEvMlBLAQIAAAAACAgAAAAAAABGTAwNDAAAAAwAAAAOAAAAAAAAAAAAAAAAACgHAABhcmNoaXZlL2RhdGEvM1BLAQIAAAAACAgAAAAAAADDDasM\
        CAAAAAgAAAAOAAAAAAAAAAAAAAAAAJwHAABhcmNoaXZlL2RhdGEvNFBLAQIAAAAACAgAAAAAAACh0hf3EAAAABAAAAAOAAAAAAAAAAAAAAAAABgIAABh\
        cmNoaXZlL2RhdGEvNVBLAQIAAAAACAgAAAAAAABPqTeUCAAAAAgAAAAOAAAAAAAAAAAAAAAAAKAIAABhcmNoaXZlL2RhdGEvNlBLAQIAAAAACAgAAAAA\
        AAAw9B55BAAAAAQAAAAOAAAAAAAAAAAAAAAAABgJAABhcmNoaXZlL2RhdGEvN1BLAQIAAAAACAgAAAAAAAAZ5uC6AgAAAAIAAAAOAAAAAAAAAAAAAAAA\
        AJQJAABhcmNoaXZlL2RhdGEvOFBLAQIAAAAACAgAAAAAAABy/dtsAgAAAAIAAAAOAAAAAAAAAAAAAAAAABIKAABhcmNoaXZlL2RhdGEvOVBLAQIAAAAA\
        CAgAAAAAAAC+I8JYAgAAAAIAAAAPAAAAAAAAAAAAAAAAAJIKAABhcmNoaXZlL2RhdGEvMTBQSwECAAAAAAgIAAAAAAAA0Z5nVQIAAAACAAAADwAAAAAA\
        AAAAAAAAAAASCwAAYXJjaGl2ZS92ZXJzaW9uUEsBAgAAAAAICAAAAAAAAOofyKsoAAAAKAAAAB4AAAAAAAAAAAAAAAAAkgsAAGFyY2hpdmUvLmRhdGEv\
        c2VyaWFsaXphdGlvbl9pZFBLBgYsAAAAAAAAAB4DLQAAAAAAAAAAABEAAAAAAAAAEQAAAAAAAAAoBAAAAAAAADgMAAAAAAAAUEsGBwAAAABgEAAAAAAA\
        AAEAAABQSwUGAAAAABEAEQAoBAAAOAwAAAAA
        """,
      path: [],
      skipped: [
        "'complex' holds complex64, which is not supported",
        "'wide' holds integers that do not fit int32",
      ],
      parameters: [
        .init(
          name: "double", type: "float32", shape: [3],
          values: [0.0, 0.0833333358168602, 0.1666666716337204]),
        .init(
          name: "half", type: "float32", shape: [3, 2],
          values: [0.0, 0.75, 0.25, 1.0, 0.5, 1.25]),
        .init(
          name: "brain", type: "float32", shape: [2, 2],
          values: [0.0, 0.25, 0.5, 0.75]),
        .init(
          name: "long", type: "int32", shape: [2],
          values: [-5, 1_073_741_824]),
        .init(
          name: "int", type: "int32", shape: [2],
          values: [7, -7]),
        .init(
          name: "short", type: "int32", shape: [2],
          values: [-300, 300]),
        .init(
          name: "char", type: "int8", shape: [2],
          values: [-128, 127]),
        .init(
          name: "byte", type: "uint8", shape: [2],
          values: [0, 255]),
        .init(
          name: "bool", type: "uint8", shape: [2],
          values: [1, 0]),
      ]),
    CheckpointFixture(
      name: "element types, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAmNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxAClScQEoWAcA\
        AABjb21wbGV4cQJjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxAygoWAcAAABzdG9yYWdlcQRjdG9yY2gKQ29tcGxleEZsb2F0U3RvcmFn\
        ZQpxBVgOAAAAOTQyMTcyNjMwMDM2ODBxBlgDAAAAY3B1cQdLAU50cQhRSwBLAYVxCUsBhXEKiWgAKVJxC3RxDFJxDVgEAAAAd2lkZXEOaAMoKGgEY3Rv\
        cmNoCkxvbmdTdG9yYWdlCnEPWA4AAAA5NDIxNzI2Mjk5NjY0MHEQaAdLAU50cRFRSwBLAYVxEksBhXETiWgAKVJxFHRxFVJxFlgGAAAAZG91YmxlcRdo\
        AygoaARjdG9yY2gKRG91YmxlU3RvcmFnZQpxGFgOAAAAOTQyMTcyNjMwNzgwNDhxGWgHSwNOdHEaUUsASwOFcRtLAYVxHIloAClScR10cR5ScR9YBAAA\
        AGhhbGZxIGgDKChoBGN0b3JjaApIYWxmU3RvcmFnZQpxIVgOAAAAOTQyMTcyNjMwNzY5MjhxImgHSwZOdHEjUUsASwNLAoZxJEsBSwOGcSWJaAApUnEm\
        dHEnUnEoWAUAAABicmFpbnEpaAMoKGgEY3RvcmNoCkJGbG9hdDE2U3RvcmFnZQpxKlgOAAAAOTQyMTcyNjMwODI1OTJxK2gHSwROdHEsUUsASwJLAoZx\
        LUsCSwGGcS6JaAApUnEvdHEwUnExWAQAAABsb25ncTJoAygoaARoD1gOAAAAOTQyMTcyNjMwODQxMjhxM2gHSwJOdHE0UUsASwKFcTVLAYVxNoloAClS\
        cTd0cThScTlYAwAAAGludHE6aAMoKGgEY3RvcmNoCkludFN0b3JhZ2UKcTtYDgAAADk0MjE3MjYzMDYxMjgwcTxoB0sCTnRxPVFLAEsChXE+SwGFcT+J\
        aAApUnFAdHFBUnFCWAUAAABzaG9ydHFDaAMoKGgEY3RvcmNoClNob3J0U3RvcmFnZQpxRFgOAAAAOTQyMTcyNjMwODMxNjhxRWgHSwJOdHFGUUsASwKF\
        cUdLAYVxSIloAClScUl0cUpScUtYBAAAAGNoYXJxTGgDKChoBGN0b3JjaApDaGFyU3RvcmFnZQpxTVgOAAAAOTQyMTcyNjI5OTcwODhxTmgHSwJOdHFP\
        UUsASwKFcVBLAYVxUYloAClScVJ0cVNScVRYBAAAAGJ5dGVxVWgDKChoBGN0b3JjaApCeXRlU3RvcmFnZQpxVlgOAAAAOTQyMTcyNjI5ODU5NTJxV2gH\
        SwJOdHFYUUsASwKFcVlLAYVxWoloAClScVt0cVxScV1YBAAAAGJvb2xxXmgDKChoBGN0b3JjaApCb29sU3RvcmFnZQpxX1gOAAAAOTQyMTcyNjMwMDQ1\
        NzZxYGgHSwJOdHFhUUsASwKFcWJLAYVxY4loAClScWR0cWVScWZ1LoACXXEAKFgOAAAAOTQyMTcyNjI5ODU5NTJxAVgOAAAAOTQyMTcyNjI5OTY2NDBx\
        AlgOAAAAOTQyMTcyNjI5OTcwODhxA1gOAAAAOTQyMTcyNjMwMDM2ODBxBFgOAAAAOTQyMTcyNjMwMDQ1NzZxBVgOAAAAOTQyMTcyNjMwNjEyODBxBlgO\
        AAAAOTQyMTcyNjMwNzY5MjhxB1gOAAAAOTQyMTcyNjMwNzgwNDhxCFgOAAAAOTQyMTcyNjMwODI1OTJxCVgOAAAAOTQyMTcyNjMwODMxNjhxClgOAAAA\
        OTQyMTcyNjMwODQxMjhxC2UuAgAAAAAAAAAA/wEAAAAAAAAAAAAAAAABAAACAAAAAAAAAIB/AQAAAAAAAAAAAAAAAACAPwIAAAAAAAAAAQACAAAAAAAA\
        AAcAAAD5////BgAAAAAAAAAAAAA0ADgAOgA8AD0DAAAAAAAAAAAAAAAAAAAAVVVVVVVVtT9VVVVVVVXFPwQAAAAAAAAAAACAPgA/QD8CAAAAAAAAANT+\
        LAECAAAAAAAAAPv/////////AAAAQAAAAAA=
        """,
      path: [],
      skipped: [
        "'complex' holds complex64, which is not supported",
        "'wide' holds integers that do not fit int32",
      ],
      parameters: [
        .init(
          name: "double", type: "float32", shape: [3],
          values: [0.0, 0.0833333358168602, 0.1666666716337204]),
        .init(
          name: "half", type: "float32", shape: [3, 2],
          values: [0.0, 0.75, 0.25, 1.0, 0.5, 1.25]),
        .init(
          name: "brain", type: "float32", shape: [2, 2],
          values: [0.0, 0.25, 0.5, 0.75]),
        .init(
          name: "long", type: "int32", shape: [2],
          values: [-5, 1_073_741_824]),
        .init(
          name: "int", type: "int32", shape: [2],
          values: [7, -7]),
        .init(
          name: "short", type: "int32", shape: [2],
          values: [-300, 300]),
        .init(
          name: "char", type: "int8", shape: [2],
          values: [-128, 127]),
        .init(
          name: "byte", type: "uint8", shape: [2],
          values: [0, 255]),
        .init(
          name: "bool", type: "uint8", shape: [2],
          values: [1, 0]),
      ]),
    CheckpointFixture(
      name: "unsigned types, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACY2NvbGxlY3Rpb25zCk9yZGVyZWRE\
        aWN0CnEAKVJxAShYAQAAAGFxAmN0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YzCnEDKChYBwAAAHN0b3JhZ2VxBGN0b3JjaC5zdG9yYWdlClVu\
        dHlwZWRTdG9yYWdlCnEFWAEAAAAwcQZYAwAAAGNwdXEHSwR0cQhRSwBLAoVxCUsBhXEKiWgAKVJxC2N0b3JjaAp1aW50MTYKcQx0cQ1ScQ5YAQAAAGJx\
        D2gDKChoBGgFWAEAAAAxcRBoB0sIdHERUUsASwKFcRJLAYVxE4loAClScRRjdG9yY2gKdWludDMyCnEVdHEWUnEXdS5QSwcIiICUfAkBAAAJAQAAUEsD\
        BAAACAgAAAAAAAAAAAAAAAAAAAAAAAAXADIAYXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb25GQi4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWjFQSwcIt+/cgwEAAAABAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAaADcAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRG\
        QjMAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaNjRQSwcIP3dx6QIAAAACAAAAUEsDBAAACAgAAAAAAAAA\
        AAAAAAAAAAAAAAARAD8AYXJjaGl2ZS9ieXRlb3JkZXJGQjsAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpsaXR0bGVQSwcIhT3jGQYAAAAGAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOAD4AYXJjaGl2ZS9kYXRhLzBGQjoAWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgEA//9QSwcIhqreJwQAAAAEAAAAUEsDBAAACAgAAAAAAAAAAAAA\
        AAAAAAAAAAAOAEAAYXJjaGl2ZS9kYXRhLzFGQjwAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaAQAAAAIAAABQSwcIfBeBAwgAAAAIAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAPADsAYXJjaGl2ZS92ZXJzaW9uRkI3AFpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlozClBLBwjRnmdVAgAAAAIAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAA\
        AB4AMgBhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRGQi4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjA1\
        NjExMDg1MjM2MTk2NzA1Mjk0MDYwODc2MjYwMzc2MTcxOTM0NjlQSwcImB38rSgAAAAoAAAAUEsBAgAAAAAICAAAAAAAAIiAlHwJAQAACQEAABAAAAAA\
        AAAAAAAAAAAAAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECAAAAAAgIAAAAAAAAt+/cgwEAAAABAAAAFwAAAAAAAAAAAAAAAABZAQAAYXJjaGl2ZS8uZm9y\
        bWF0X3ZlcnNpb25QSwECAAAAAAgIAAAAAAAAP3dx6QIAAAACAAAAGgAAAAAAAAAAAAAAAADRAQAAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRQSwEC\
        AAAAAAgIAAAAAAAAhT3jGQYAAAAGAAAAEQAAAAAAAAAAAAAAAABSAgAAYXJjaGl2ZS9ieXRlb3JkZXJQSwECAAAAAAgIAAAAAAAAhqreJwQAAAAEAAAA\
        DgAAAAAAAAAAAAAAAADWAgAAYXJjaGl2ZS9kYXRhLzBQSwECAAAAAAgIAAAAAAAAfBeBAwgAAAAIAAAADgAAAAAAAAAAAAAAAABUAwAAYXJjaGl2ZS9k\
        YXRhLzFQSwECAAAAAAgIAAAAAAAA0Z5nVQIAAAACAAAADwAAAAAAAAAAAAAAAADYAwAAYXJjaGl2ZS92ZXJzaW9uUEsBAgAAAAAICAAAAAAAAJgd/K0o\
        AAAAKAAAAB4AAAAAAAAAAAAAAAAAUgQAAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZFBLBgYsAAAAAAAAAB4DLQAAAAAAAAAAAAgAAAAAAAAA\
        CAAAAAAAAAALAgAAAAAAAPgEAAAAAAAAUEsGBwAAAAADBwAAAAAAAAEAAABQSwUGAAAAAAgACAALAgAA+AQAAAAA
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "a", type: "int32", shape: [2],
          values: [1, 65535]),
        .init(
          name: "b", type: "int32", shape: [2],
          values: [1, 2]),
      ]),
    CheckpointFixture(
      name: "training state, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACfXEAKFgFAAAAZXBvY2hxAUsDWAkA\
        AABvcHRpbWl6ZXJxAn1xA1gFAAAAc3RhdGVxBH1xBUsAfXEGWAQAAABzdGVwcQdjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxCCgoWAcA\
        AABzdG9yYWdlcQljdG9yY2gKRmxvYXRTdG9yYWdlCnEKWAEAAAAwcQtYAwAAAGNwdXEMSwF0cQ1RSwApKYljY29sbGVjdGlvbnMKT3JkZXJlZERpY3QK\
        cQ4pUnEPdHEQUnERc3NzWAoAAABzdGF0ZV9kaWN0cRJoDilScRMoWAYAAAB3ZWlnaHRxFGgIKChoCWgKWAEAAAAxcRVoDEsGdHEWUUsASwJLA4ZxF0sD\
        SwGGcRiJaA4pUnEZdHEaUnEbWAQAAABiaWFzcRxoCCgoaAloClgBAAAAMnEdaAxLAnRxHlFLAEsChXEfSwGFcSCJaA4pUnEhdHEiUnEjdVgEAAAAYmVz\
        dHEkRz/gAAAAAAAAWAQAAABhcmdzcSVOdS5QSwcI6ehWOo0BAACNAQAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAXAC4AYXJjaGl2ZS8uZm9ybWF0\
        X3ZlcnNpb25GQioAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaMVBLBwi379yDAQAAAAEAAABQSwMEAAAICAAAAAAAAAAA\
        AAAAAAAAAAAAABoANwBhcmNoaXZlLy5zdG9yYWdlX2FsaWdubWVudEZCMwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlo2NFBLBwg/d3HpAgAAAAIAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABEAPwBhcmNoaXZlL2J5dGVvcmRlckZCOwBaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWmxpdHRsZVBLBwiFPeMZBgAAAAYAAABQSwMEAAAICAAAAAAAAAAA\
        AAAAAAAAAAAAAA4APgBhcmNoaXZlL2RhdGEvMEZCOgBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaAACAP1BLBwhqaqGsBAAAAAQAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4AQABhcmNoaXZlL2RhdGEvMUZCPABaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloAAAAAAACAPgAAAD8AAEA/AACAPwAAoD9QSwcIUuXnHxgAAAAYAAAAUEsD\
        BAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOACwAYXJjaGl2ZS9kYXRhLzJGQigAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAA\
        QMAAADDAUEsHCJ3JTccIAAAACAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADwA7AGFyY2hpdmUvdmVyc2lvbkZCNwBaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaMwpQSwcI0Z5nVQIAAAACAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAeADIA\
        YXJjaGl2ZS8uZGF0YS9zZXJpYWxpemF0aW9uX2lkRkIuAFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlowODQ5NDg4\
        ODQ3OTY1MDQ4NzM1MDE0NzQ1MTIxMjMxNTU4MzI5MzQ0UEsHCKdDuYIoAAAAKAAAAFBLAQIAAAAACAgAAAAAAADp6FY6jQEAAI0BAAAQAAAAAAAAAAAA\
        AAAAAAAAAABhcmNoaXZlL2RhdGEucGtsUEsBAgAAAAAICAAAAAAAALfv3IMBAAAAAQAAABcAAAAAAAAAAAAAAAAA3QEAAGFyY2hpdmUvLmZvcm1hdF92\
        ZXJzaW9uUEsBAgAAAAAICAAAAAAAAD93cekCAAAAAgAAABoAAAAAAAAAAAAAAAAAUQIAAGFyY2hpdmUvLnN0b3JhZ2VfYWxpZ25tZW50UEsBAgAAAAAI\
        CAAAAAAAAIU94xkGAAAABgAAABEAAAAAAAAAAAAAAAAA0gIAAGFyY2hpdmUvYnl0ZW9yZGVyUEsBAgAAAAAICAAAAAAAAGpqoawEAAAABAAAAA4AAAAA\
        AAAAAAAAAAAAVgMAAGFyY2hpdmUvZGF0YS8wUEsBAgAAAAAICAAAAAAAAFLl5x8YAAAAGAAAAA4AAAAAAAAAAAAAAAAA1AMAAGFyY2hpdmUvZGF0YS8x\
        UEsBAgAAAAAICAAAAAAAAJ3JTccIAAAACAAAAA4AAAAAAAAAAAAAAAAAaAQAAGFyY2hpdmUvZGF0YS8yUEsBAgAAAAAICAAAAAAAANGeZ1UCAAAAAgAA\
        AA8AAAAAAAAAAAAAAAAA2AQAAGFyY2hpdmUvdmVyc2lvblBLAQIAAAAACAgAAAAAAACnQ7mCKAAAACgAAAAeAAAAAAAAAAAAAAAAAFIFAABhcmNoaXZl\
        Ly5kYXRhL3NlcmlhbGl6YXRpb25faWRQSwYGLAAAAAAAAAAeAy0AAAAAAAAAAAAJAAAAAAAAAAkAAAAAAAAARwIAAAAAAAD4BQAAAAAAAFBLBgcAAAAA\
        PwgAAAAAAAABAAAAUEsFBgAAAAAJAAkARwIAAPgFAAAAAA==
        """,
      path: ["state_dict"], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "training state, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAn1xAChYBQAAAGVwb2NocQFLA1gJAAAAb3B0aW1pemVycQJ9\
        cQNYBQAAAHN0YXRlcQR9cQVLAH1xBlgEAAAAc3RlcHEHY3RvcmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcQgoKFgHAAAAc3RvcmFnZXEJY3Rv\
        cmNoCkZsb2F0U3RvcmFnZQpxClgOAAAAOTQyMTcyNjMwNjY2NDBxC1gDAAAAY3B1cQxLAU50cQ1RSwApKYljY29sbGVjdGlvbnMKT3JkZXJlZERpY3QK\
        cQ4pUnEPdHEQUnERc3NzWAoAAABzdGF0ZV9kaWN0cRJoDilScRMoWAYAAAB3ZWlnaHRxFGgIKChoCWgKWA4AAAA5NDIxNzI2Mjk5NzI0OHEVaAxLBk50\
        cRZRSwBLAksDhnEXSwNLAYZxGIloDilScRl0cRpScRtYBAAAAGJpYXNxHGgIKChoCWgKWA4AAAA5NDIxNzI2MzAwNTUzNnEdaAxLAk50cR5RSwBLAoVx\
        H0sBhXEgiWgOKVJxIXRxIlJxI3VYBAAAAGJlc3RxJEc/4AAAAAAAAFgEAAAAYXJnc3ElTnUugAJdcQAoWA4AAAA5NDIxNzI2Mjk5NzI0OHEBWA4AAAA5\
        NDIxNzI2MzAwNTUzNnECWA4AAAA5NDIxNzI2MzA2NjY0MHEDZS4GAAAAAAAAAAAAAAAAAIA+AAAAPwAAQD8AAIA/AACgPwIAAAAAAAAAAABAwAAAMMAB\
        AAAAAAAAAAAAgD8=
        """,
      path: ["state_dict"], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "averaged weights, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACfXEAKFgGAAAAcGFyYW1zcQF9cQJY\
        AQAAAHhxA2N0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YyCnEEKChYBwAAAHN0b3JhZ2VxBWN0b3JjaApGbG9hdFN0b3JhZ2UKcQZYAQAAADBx\
        B1gDAAAAY3B1cQhLAXRxCVFLAEsBhXEKSwGFcQuJY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEMKVJxDXRxDlJxD3NYCgAAAHBhcmFtc19lbWFxEGgM\
        KVJxEShYBgAAAHdlaWdodHESaAQoKGgFaAZYAQAAADFxE2gISwZ0cRRRSwBLAksDhnEVSwNLAYZxFoloDClScRd0cRhScRlYBAAAAGJpYXNxGmgEKCho\
        BWgGWAEAAAAycRtoCEsCdHEcUUsASwKFcR1LAYVxHoloDClScR90cSBScSF1dS5QSwcIO9pKc0sBAABLAQAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAA\
        AAAXADAAYXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb25GQiwAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloxUEsHCLfv3IMB\
        AAAAAQAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAGgA3AGFyY2hpdmUvLnN0b3JhZ2VfYWxpZ25tZW50RkIzAFpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjY0UEsHCD93cekCAAAAAgAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAEQA/AGFyY2hpdmUv\
        Ynl0ZW9yZGVyRkI7AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpabGl0dGxlUEsHCIU94xkG\
        AAAABgAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgA+AGFyY2hpdmUvZGF0YS8wRkI6AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloAAAAAUEsHCBzfRCEEAAAABAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgBAAGFyY2hpdmUvZGF0\
        YS8xRkI8AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAAAAAAIA+AAAAPwAAQD8AAIA/\
        AACgP1BLBwhS5ecfGAAAABgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4ALABhcmNoaXZlL2RhdGEvMkZCKABaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaAABAwAAAMMBQSwcInclNxwgAAAAIAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAPADsAYXJjaGl2ZS92ZXJz\
        aW9uRkI3AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlozClBLBwjRnmdVAgAAAAIAAABQSwMEAAAI\
        CAAAAAAAAAAAAAAAAAAAAAAAAB4AMgBhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRGQi4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWjA4NDk0ODg4NDc5NjUwNDg3MzUwMTEyMjUyNTM3MDk5NTU5NDQ3MDVQSwcIZP23tigAAAAoAAAAUEsBAgAAAAAICAAAAAAA\
        ADvaSnNLAQAASwEAABAAAAAAAAAAAAAAAAAAAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECAAAAAAgIAAAAAAAAt+/cgwEAAAABAAAAFwAAAAAAAAAAAAAA\
        AACbAQAAYXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb25QSwECAAAAAAgIAAAAAAAAP3dx6QIAAAACAAAAGgAAAAAAAAAAAAAAAAARAgAAYXJjaGl2ZS8uc3Rv\
        cmFnZV9hbGlnbm1lbnRQSwECAAAAAAgIAAAAAAAAhT3jGQYAAAAGAAAAEQAAAAAAAAAAAAAAAACSAgAAYXJjaGl2ZS9ieXRlb3JkZXJQSwECAAAAAAgI\
        AAAAAAAAHN9EIQQAAAAEAAAADgAAAAAAAAAAAAAAAAAWAwAAYXJjaGl2ZS9kYXRhLzBQSwECAAAAAAgIAAAAAAAAUuXnHxgAAAAYAAAADgAAAAAAAAAA\
        AAAAAACUAwAAYXJjaGl2ZS9kYXRhLzFQSwECAAAAAAgIAAAAAAAAnclNxwgAAAAIAAAADgAAAAAAAAAAAAAAAAAoBAAAYXJjaGl2ZS9kYXRhLzJQSwEC\
        AAAAAAgIAAAAAAAA0Z5nVQIAAAACAAAADwAAAAAAAAAAAAAAAACYBAAAYXJjaGl2ZS92ZXJzaW9uUEsBAgAAAAAICAAAAAAAAGT9t7YoAAAAKAAAAB4A\
        AAAAAAAAAAAAAAAAEgUAAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZFBLBgYsAAAAAAAAAB4DLQAAAAAAAAAAAAkAAAAAAAAACQAAAAAAAABH\
        AgAAAAAAALgFAAAAAAAAUEsGBwAAAAD/BwAAAAAAAAEAAABQSwUGAAAAAAkACQBHAgAAuAUAAAAA
        """,
      path: ["params_ema"], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "averaged weights, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAn1xAChYBgAAAHBhcmFtc3EBfXECWAEAAAB4cQNjdG9yY2gu\
        X3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxBCgoWAcAAABzdG9yYWdlcQVjdG9yY2gKRmxvYXRTdG9yYWdlCnEGWA4AAAA5NDIxNzE3NzE1NDQ2NHEH\
        WAMAAABjcHVxCEsBTnRxCVFLAEsBhXEKSwGFcQuJY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEMKVJxDXRxDlJxD3NYCgAAAHBhcmFtc19lbWFxEGgM\
        KVJxEShYBgAAAHdlaWdodHESaAQoKGgFaAZYDgAAADk0MjE3MjYyOTk3MjQ4cRNoCEsGTnRxFFFLAEsCSwOGcRVLA0sBhnEWiWgMKVJxF3RxGFJxGVgE\
        AAAAYmlhc3EaaAQoKGgFaAZYDgAAADk0MjE3MjYzMDA1NTM2cRtoCEsCTnRxHFFLAEsChXEdSwGFcR6JaAwpUnEfdHEgUnEhdXUugAJdcQAoWA4AAAA5\
        NDIxNzE3NzE1NDQ2NHEBWA4AAAA5NDIxNzI2Mjk5NzI0OHECWA4AAAA5NDIxNzI2MzAwNTUzNnEDZS4BAAAAAAAAAAAAAAAGAAAAAAAAAAAAAAAAAIA+\
        AAAAPwAAQD8AAIA/AACgPwIAAAAAAAAAAABAwAAAMMA=
        """,
      path: ["params_ema"], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "an unknown key, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACfXEAKFgFAAAAZXBvY2hxAUsBWAgA\
        AAB3aGF0ZXZlcnECfXEDWAUAAABpbm5lcnEEY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEFKVJxBihYBgAAAHdlaWdodHEHY3RvcmNoLl91dGlscwpf\
        cmVidWlsZF90ZW5zb3JfdjIKcQgoKFgHAAAAc3RvcmFnZXEJY3RvcmNoCkZsb2F0U3RvcmFnZQpxClgBAAAAMHELWAMAAABjcHVxDEsGdHENUUsASwJL\
        A4ZxDksDSwGGcQ+JaAUpUnEQdHERUnESWAQAAABiaWFzcRNoCCgoaAloClgBAAAAMXEUaAxLAnRxFVFLAEsChXEWSwGFcReJaAUpUnEYdHEZUnEadXN1\
        LlBLBwiFvJijHQEAAB0BAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABcAHgBhcmNoaXZlLy5mb3JtYXRfdmVyc2lvbkZCGgBaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWjFQSwcIt+/cgwEAAAABAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAaADcAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRG\
        QjMAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaNjRQSwcIP3dx6QIAAAACAAAAUEsDBAAACAgAAAAAAAAA\
        AAAAAAAAAAAAAAARAD8AYXJjaGl2ZS9ieXRlb3JkZXJGQjsAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpsaXR0bGVQSwcIhT3jGQYAAAAGAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOAD4AYXJjaGl2ZS9kYXRhLzBGQjoAWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAAAAAAIA+AAAAPwAAQD8AAIA/AACgP1BLBwhS5ecfGAAAABgA\
        AABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4ALABhcmNoaXZlL2RhdGEvMUZCKABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaAABAwAAAMMBQSwcInclNxwgAAAAIAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAPADsAYXJjaGl2ZS92ZXJzaW9uRkI3AFpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlozClBLBwjRnmdVAgAAAAIAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAA\
        AB4AMgBhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRGQi4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjA1\
        NjExMDg1MjM2MTk2NzA1Mjk0MTgzODk1NDM1NTY0NDM0MDI5MDhQSwcIJc0boygAAAAoAAAAUEsBAgAAAAAICAAAAAAAAIW8mKMdAQAAHQEAABAAAAAA\
        AAAAAAAAAAAAAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECAAAAAAgIAAAAAAAAt+/cgwEAAAABAAAAFwAAAAAAAAAAAAAAAABtAQAAYXJjaGl2ZS8uZm9y\
        bWF0X3ZlcnNpb25QSwECAAAAAAgIAAAAAAAAP3dx6QIAAAACAAAAGgAAAAAAAAAAAAAAAADRAQAAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRQSwEC\
        AAAAAAgIAAAAAAAAhT3jGQYAAAAGAAAAEQAAAAAAAAAAAAAAAABSAgAAYXJjaGl2ZS9ieXRlb3JkZXJQSwECAAAAAAgIAAAAAAAAUuXnHxgAAAAYAAAA\
        DgAAAAAAAAAAAAAAAADWAgAAYXJjaGl2ZS9kYXRhLzBQSwECAAAAAAgIAAAAAAAAnclNxwgAAAAIAAAADgAAAAAAAAAAAAAAAABoAwAAYXJjaGl2ZS9k\
        YXRhLzFQSwECAAAAAAgIAAAAAAAA0Z5nVQIAAAACAAAADwAAAAAAAAAAAAAAAADYAwAAYXJjaGl2ZS92ZXJzaW9uUEsBAgAAAAAICAAAAAAAACXNG6Mo\
        AAAAKAAAAB4AAAAAAAAAAAAAAAAAUgQAAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZFBLBgYsAAAAAAAAAB4DLQAAAAAAAAAAAAgAAAAAAAAA\
        CAAAAAAAAAALAgAAAAAAAPgEAAAAAAAAUEsGBwAAAAADBwAAAAAAAAEAAABQSwUGAAAAAAgACAALAgAA+AQAAAAA
        """,
      path: ["whatever", "inner"], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "an unknown key, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAn1xAChYBQAAAGVwb2NocQFLAVgIAAAAd2hhdGV2ZXJxAn1x\
        A1gFAAAAaW5uZXJxBGNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxBSlScQYoWAYAAAB3ZWlnaHRxB2N0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29y\
        X3YyCnEIKChYBwAAAHN0b3JhZ2VxCWN0b3JjaApGbG9hdFN0b3JhZ2UKcQpYDgAAADk0MjE3MjYyOTk3MjQ4cQtYAwAAAGNwdXEMSwZOdHENUUsASwJL\
        A4ZxDksDSwGGcQ+JaAUpUnEQdHERUnESWAQAAABiaWFzcRNoCCgoaAloClgOAAAAOTQyMTcyNjMwMDU1MzZxFGgMSwJOdHEVUUsASwKFcRZLAYVxF4lo\
        BSlScRh0cRlScRp1c3UugAJdcQAoWA4AAAA5NDIxNzI2Mjk5NzI0OHEBWA4AAAA5NDIxNzI2MzAwNTUzNnECZS4GAAAAAAAAAAAAAAAAAIA+AAAAPwAA\
        QD8AAIA/AACgPwIAAAAAAAAAAABAwAAAMMA=
        """,
      path: ["whatever", "inner"], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "nested dictionaries, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACfXEAKFgEAAAAaGVhZHEBfXECWAYA\
        AAB3ZWlnaHRxA2N0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YyCnEEKChYBwAAAHN0b3JhZ2VxBWN0b3JjaApGbG9hdFN0b3JhZ2UKcQZYAQAA\
        ADBxB1gDAAAAY3B1cQhLAnRxCVFLAEsChXEKSwGFcQuJY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEMKVJxDXRxDlJxD3NYBAAAAHRhaWxxEH1xEWgD\
        aAQoKGgFaAZYAQAAADFxEmgISwN0cRNRSwBLA4VxFEsBhXEViWgMKVJxFnRxF1JxGHN1LlBLBwhCq7cJ+QAAAPkAAABQSwMEAAAICAAAAAAAAAAAAAAA\
        AAAAAAAAABcAQgBhcmNoaXZlLy5mb3JtYXRfdmVyc2lvbkZCPgBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWjFQSwcIt+/cgwEAAAABAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAaADcAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRG\
        QjMAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaNjRQSwcIP3dx6QIAAAACAAAAUEsDBAAACAgAAAAAAAAA\
        AAAAAAAAAAAAAAARAD8AYXJjaGl2ZS9ieXRlb3JkZXJGQjsAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpsaXR0bGVQSwcIhT3jGQYAAAAGAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOAD4AYXJjaGl2ZS9kYXRhLzBGQjoAWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAAAAAAIA+UEsHCIlawJ8IAAAACAAAAFBLAwQAAAgIAAAAAAAA\
        AAAAAAAAAAAAAAAADgA8AGFyY2hpdmUvZGF0YS8xRkI4AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaAAAAAAAAgD4AAAA/UEsHCG35Es0MAAAADAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADwA3AGFyY2hpdmUvdmVyc2lvbkZCMwBaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlozClBLBwjRnmdVAgAAAAIAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAA\
        AB4AMgBhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRGQi4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjA1\
        NjExMDg1MjM2MTk2NzA1Mjk0MDEzOTUyOTQ4Nzg4MDA0OTk2MDVQSwcIM7tTTSgAAAAoAAAAUEsBAgAAAAAICAAAAAAAAEKrtwn5AAAA+QAAABAAAAAA\
        AAAAAAAAAAAAAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECAAAAAAgIAAAAAAAAt+/cgwEAAAABAAAAFwAAAAAAAAAAAAAAAABJAQAAYXJjaGl2ZS8uZm9y\
        bWF0X3ZlcnNpb25QSwECAAAAAAgIAAAAAAAAP3dx6QIAAAACAAAAGgAAAAAAAAAAAAAAAADRAQAAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRQSwEC\
        AAAAAAgIAAAAAAAAhT3jGQYAAAAGAAAAEQAAAAAAAAAAAAAAAABSAgAAYXJjaGl2ZS9ieXRlb3JkZXJQSwECAAAAAAgIAAAAAAAAiVrAnwgAAAAIAAAA\
        DgAAAAAAAAAAAAAAAADWAgAAYXJjaGl2ZS9kYXRhLzBQSwECAAAAAAgIAAAAAAAAbfkSzQwAAAAMAAAADgAAAAAAAAAAAAAAAABYAwAAYXJjaGl2ZS9k\
        YXRhLzFQSwECAAAAAAgIAAAAAAAA0Z5nVQIAAAACAAAADwAAAAAAAAAAAAAAAADcAwAAYXJjaGl2ZS92ZXJzaW9uUEsBAgAAAAAICAAAAAAAADO7U00o\
        AAAAKAAAAB4AAAAAAAAAAAAAAAAAUgQAAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZFBLBgYsAAAAAAAAAB4DLQAAAAAAAAAAAAgAAAAAAAAA\
        CAAAAAAAAAALAgAAAAAAAPgEAAAAAAAAUEsGBwAAAAADBwAAAAAAAAEAAABQSwUGAAAAAAgACAALAgAA+AQAAAAA
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "head.weight", type: "float32", shape: [2],
          values: [0.0, 0.25]),
        .init(
          name: "tail.weight", type: "float32", shape: [3],
          values: [0.0, 0.25, 0.5]),
      ]),
    CheckpointFixture(
      name: "nested dictionaries, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAn1xAChYBAAAAGhlYWRxAX1xAlgGAAAAd2VpZ2h0cQNjdG9y\
        Y2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxBCgoWAcAAABzdG9yYWdlcQVjdG9yY2gKRmxvYXRTdG9yYWdlCnEGWA4AAAA5NDIxNzI2MzExNTU4\
        NHEHWAMAAABjcHVxCEsCTnRxCVFLAEsChXEKSwGFcQuJY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEMKVJxDXRxDlJxD3NYBAAAAHRhaWxxEH1xEWgD\
        aAQoKGgFaAZYDgAAADk0MjE3MjYzMTIxMTg0cRJoCEsDTnRxE1FLAEsDhXEUSwGFcRWJaAwpUnEWdHEXUnEYc3UugAJdcQAoWA4AAAA5NDIxNzI2MzEx\
        NTU4NHEBWA4AAAA5NDIxNzI2MzEyMTE4NHECZS4CAAAAAAAAAAAAAAAAAIA+AwAAAAAAAAAAAAAAAACAPgAAAD8=
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "head.weight", type: "float32", shape: [2],
          values: [0.0, 0.25]),
        .init(
          name: "tail.weight", type: "float32", shape: [3],
          values: [0.0, 0.25, 0.5]),
      ]),
    CheckpointFixture(
      name: "a list, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACXXEAKGNjb2xsZWN0aW9ucwpPcmRl\
        cmVkRGljdApxASlScQIoWAYAAAB3ZWlnaHRxA2N0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YyCnEEKChYBwAAAHN0b3JhZ2VxBWN0b3JjaApG\
        bG9hdFN0b3JhZ2UKcQZYAQAAADBxB1gDAAAAY3B1cQhLBnRxCVFLAEsCSwOGcQpLA0sBhnELiWgBKVJxDHRxDVJxDlgEAAAAYmlhc3EPaAQoKGgFaAZY\
        AQAAADFxEGgISwJ0cRFRSwBLAoVxEksBhXETiWgBKVJxFHRxFVJxFnV9cRdYAgAAAGxycRhHP7mZmZmZmZpzZS5QSwcI17E2QAYBAAAGAQAAUEsDBAAA\
        CAgAAAAAAAAAAAAAAAAAAAAAAAAXADUAYXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb25GQjEAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWjFQSwcIt+/cgwEAAAABAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAaADcAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRG\
        QjMAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaNjRQSwcIP3dx6QIAAAACAAAAUEsDBAAACAgAAAAAAAAA\
        AAAAAAAAAAAAAAARAD8AYXJjaGl2ZS9ieXRlb3JkZXJGQjsAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpsaXR0bGVQSwcIhT3jGQYAAAAGAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOAD4AYXJjaGl2ZS9kYXRhLzBGQjoAWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAAAAAAIA+AAAAPwAAQD8AAIA/AACgP1BLBwhS5ecfGAAAABgA\
        AABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4ALABhcmNoaXZlL2RhdGEvMUZCKABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaAABAwAAAMMBQSwcInclNxwgAAAAIAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAPADsAYXJjaGl2ZS92ZXJzaW9uRkI3AFpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlozClBLBwjRnmdVAgAAAAIAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAA\
        AB4AMgBhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRGQi4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjA1\
        NjExMDg1MjM2MTk2NzA1Mjk0MDMxNjMyNTkwNjcwNDU2MzI1NDNQSwcIFuzqwCgAAAAoAAAAUEsBAgAAAAAICAAAAAAAANexNkAGAQAABgEAABAAAAAA\
        AAAAAAAAAAAAAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECAAAAAAgIAAAAAAAAt+/cgwEAAAABAAAAFwAAAAAAAAAAAAAAAABWAQAAYXJjaGl2ZS8uZm9y\
        bWF0X3ZlcnNpb25QSwECAAAAAAgIAAAAAAAAP3dx6QIAAAACAAAAGgAAAAAAAAAAAAAAAADRAQAAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRQSwEC\
        AAAAAAgIAAAAAAAAhT3jGQYAAAAGAAAAEQAAAAAAAAAAAAAAAABSAgAAYXJjaGl2ZS9ieXRlb3JkZXJQSwECAAAAAAgIAAAAAAAAUuXnHxgAAAAYAAAA\
        DgAAAAAAAAAAAAAAAADWAgAAYXJjaGl2ZS9kYXRhLzBQSwECAAAAAAgIAAAAAAAAnclNxwgAAAAIAAAADgAAAAAAAAAAAAAAAABoAwAAYXJjaGl2ZS9k\
        YXRhLzFQSwECAAAAAAgIAAAAAAAA0Z5nVQIAAAACAAAADwAAAAAAAAAAAAAAAADYAwAAYXJjaGl2ZS92ZXJzaW9uUEsBAgAAAAAICAAAAAAAABbs6sAo\
        AAAAKAAAAB4AAAAAAAAAAAAAAAAAUgQAAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZFBLBgYsAAAAAAAAAB4DLQAAAAAAAAAAAAgAAAAAAAAA\
        CAAAAAAAAAALAgAAAAAAAPgEAAAAAAAAUEsGBwAAAAADBwAAAAAAAAEAAABQSwUGAAAAAAgACAALAgAA+AQAAAAA
        """,
      path: ["0"], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "a list, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAl1xAChjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQEpUnEC\
        KFgGAAAAd2VpZ2h0cQNjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxBCgoWAcAAABzdG9yYWdlcQVjdG9yY2gKRmxvYXRTdG9yYWdlCnEG\
        WA4AAAA5NDIxNzI2Mjk5NzI0OHEHWAMAAABjcHVxCEsGTnRxCVFLAEsCSwOGcQpLA0sBhnELiWgBKVJxDHRxDVJxDlgEAAAAYmlhc3EPaAQoKGgFaAZY\
        DgAAADk0MjE3MjYzMDA1NTM2cRBoCEsCTnRxEVFLAEsChXESSwGFcROJaAEpUnEUdHEVUnEWdX1xF1gCAAAAbHJxGEc/uZmZmZmZmnNlLoACXXEAKFgO\
        AAAAOTQyMTcyNjI5OTcyNDhxAVgOAAAAOTQyMTcyNjMwMDU1MzZxAmUuBgAAAAAAAAAAAAAAAACAPgAAAD8AAEA/AACAPwAAoD8CAAAAAAAAAAAAQMAA\
        ADDA
        """,
      path: ["0"], skipped: [],
      parameters: [
        .init(
          name: "weight", type: "float32", shape: [2, 3],
          values: [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]),
        .init(
          name: "bias", type: "float32", shape: [2],
          values: [-3.0, -2.75]),
      ]),
    CheckpointFixture(
      name: "module, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACY19fbWFpbl9fClRpbnkKcQApgXEB\
        fXECKFgIAAAAdHJhaW5pbmdxA4hYCwAAAF9wYXJhbWV0ZXJzcQR9cQUoWAUAAABzY2FsZXEGY3RvcmNoLl91dGlscwpfcmVidWlsZF9wYXJhbWV0ZXIK\
        cQdjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxCCgoWAcAAABzdG9yYWdlcQljdG9yY2gKRmxvYXRTdG9yYWdlCnEKWAEAAAAwcQtYAwAA\
        AGNwdXEMSwJ0cQ1RSwBLAoVxDksBhXEPiWNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxEClScRF0cRJScROIaBApUnEUh3EVUnEWWAYAAABhYnNlbnRx\
        F051WAgAAABfYnVmZmVyc3EYfXEZKFgFAAAAc2hpZnRxGmgIKChoCWgKWAEAAAAxcRtoDEsCdHEcUUsASwKFcR1LAYVxHoloEClScR90cSBScSFYBQAA\
        AGNhY2hlcSJoCCgoaAloClgBAAAAMnEjaAxLA3RxJFFLAEsDhXElSwGFcSaJaBApUnEndHEoUnEpdVgbAAAAX25vbl9wZXJzaXN0ZW50X2J1ZmZlcnNf\
        c2V0cSpjX19idWlsdGluX18Kc2V0CnErXXEsaCJhhXEtUnEuWBMAAABfYmFja3dhcmRfcHJlX2hvb2tzcS9oEClScTBYDwAAAF9iYWNrd2FyZF9ob29r\
        c3ExaBApUnEyWBYAAABfaXNfZnVsbF9iYWNrd2FyZF9ob29rcTNOWA4AAABfZm9yd2FyZF9ob29rc3E0aBApUnE1WBoAAABfZm9yd2FyZF9ob29rc193\
        aXRoX2t3YXJnc3E2aBApUnE3WBwAAABfZm9yd2FyZF9ob29rc19hbHdheXNfY2FsbGVkcThoEClScTlYEgAAAF9mb3J3YXJkX3ByZV9ob29rc3E6aBAp\
        UnE7WB4AAABfZm9yd2FyZF9wcmVfaG9va3Nfd2l0aF9rd2FyZ3NxPGgQKVJxPVgRAAAAX3N0YXRlX2RpY3RfaG9va3NxPmgQKVJxP1gVAAAAX3N0YXRl\
        X2RpY3RfcHJlX2hvb2tzcUBoEClScUFYGgAAAF9sb2FkX3N0YXRlX2RpY3RfcHJlX2hvb2tzcUJoEClScUNYGwAAAF9sb2FkX3N0YXRlX2RpY3RfcG9z\
        dF9ob29rc3FEaBApUnFFWAgAAABfbW9kdWxlc3FGfXFHKFgEAAAAaGVhZHFIY3RvcmNoLm5uLm1vZHVsZXMuY29udgpDb252MmQKcUkpgXFKfXFLKGgD\
        iGgEfXFMKFgGAAAAd2VpZ2h0cU1oB2gIKChoCWgKWAEAAAAzcU5oDEsSdHFPUUsAKEsCSwFLA0sDdHFQKEsJSwlLA0sBdHFRiWgQKVJxUnRxU1JxVIho\
        EClScVWHcVZScVdYBAAAAGJpYXNxWE51aBh9cVloKmgrXXFahXFbUnFcaC9oEClScV1oMWgQKVJxXmgzTmg0aBApUnFfaDZoEClScWBoOGgQKVJxYWg6\
        aBApUnFiaDxoEClScWNoPmgQKVJxZGhAaBApUnFlaEJoEClScWZoRGgQKVJxZ2hGfXFoWAsAAABpbl9jaGFubmVsc3FpSwFYDAAAAG91dF9jaGFubmVs\
        c3FqSwJYCwAAAGtlcm5lbF9zaXplcWtLA0sDhnFsWAYAAABzdHJpZGVxbUsBSwGGcW5YBwAAAHBhZGRpbmdxb0sASwCGcXBYCAAAAGRpbGF0aW9ucXFL\
        AUsBhnFyWAoAAAB0cmFuc3Bvc2VkcXOJWA4AAABvdXRwdXRfcGFkZGluZ3F0SwBLAIZxdVgGAAAAZ3JvdXBzcXZLAVgMAAAAcGFkZGluZ19tb2RlcXdY\
        BQAAAHplcm9zcXhYIAAAAF9yZXZlcnNlZF9wYWRkaW5nX3JlcGVhdGVkX3R3aWNlcXkoSwBLAEsASwB0cXp1YlgEAAAAbm9ybXF7Y3RvcmNoLm5uLm1v\
        ZHVsZXMuYmF0Y2hub3JtCkJhdGNoTm9ybTJkCnF8KYFxfX1xfihoA4hoBH1xfyhoTWgHaAgoKGgJaApYAQAAADRxgGgMSwJ0cYFRSwBLAoVxgksBhXGD\
        iWgQKVJxhHRxhVJxhohoEClScYeHcYhScYloWGgHaAgoKGgJaApYAQAAADVximgMSwJ0cYtRSwBLAoVxjEsBhXGNiWgQKVJxjnRxj1JxkIhoEClScZGH\
        cZJScZN1aBh9cZQoWAwAAABydW5uaW5nX21lYW5xlWgIKChoCWgKWAEAAAA2cZZoDEsCdHGXUUsASwKFcZhLAYVxmYloEClScZp0cZtScZxYCwAAAHJ1\
        bm5pbmdfdmFycZ1oCCgoaAloClgBAAAAN3GeaAxLAnRxn1FLAEsChXGgSwGFcaGJaBApUnGidHGjUnGkWBMAAABudW1fYmF0Y2hlc190cmFja2VkcaVo\
        CCgoaAljdG9yY2gKTG9uZ1N0b3JhZ2UKcaZYAQAAADhxp2gMSwF0cahRSwApKYloEClScal0capScat1aCpoK11xrIVxrVJxrmgvaBApUnGvaDFoEClS\
        cbBoM05oNGgQKVJxsWg2aBApUnGyaDhoEClScbNoOmgQKVJxtGg8aBApUnG1aD5oEClScbZoQGgQKVJxt2hCaBApUnG4aERoEClScbloRn1xulgMAAAA\
        bnVtX2ZlYXR1cmVzcbtLAlgDAAAAZXBzcbxHPuT4tYjjaPFYCAAAAG1vbWVudHVtcb1HP7mZmZmZmZpYBgAAAGFmZmluZXG+iFgTAAAAdHJhY2tfcnVu\
        bmluZ19zdGF0c3G/iHViWAQAAABib2R5ccBjdG9yY2gubm4ubW9kdWxlcy5jb250YWluZXIKU2VxdWVudGlhbApxwSmBccJ9ccMoaAOIaAR9ccRoGH1x\
        xWgqaCtdccaFccdScchoL2gQKVJxyWgxaBApUnHKaDNOaDRoEClScctoNmgQKVJxzGg4aBApUnHNaDpoEClScc5oPGgQKVJxz2g+aBApUnHQaEBoEClS\
        cdFoQmgQKVJx0mhEaBApUnHTaEZ9cdQoWAEAAAAwcdVjdG9yY2gubm4ubW9kdWxlcy5hY3RpdmF0aW9uClJlTFUKcdYpgXHXfXHYKGgDiGgEfXHZaBh9\
        cdpoKmgrXXHbhXHcUnHdaC9oEClScd5oMWgQKVJx32gzTmg0aBApUnHgaDZoEClSceFoOGgQKVJx4mg6aBApUnHjaDxoEClSceRoPmgQKVJx5WhAaBAp\
        UnHmaEJoEClScedoRGgQKVJx6GhGfXHpWAcAAABpbnBsYWNlceqJdWJYAQAAADFx62N0b3JjaC5ubi5tb2R1bGVzLmxpbmVhcgpMaW5lYXIKcewpgXHt\
        fXHuKGgDiGgEfXHvKGhNaAdoCCgoaAloClgBAAAAOXHwaAxLAnRx8VFLAEsBSwKGcfJLAksBhnHziWgQKVJx9HRx9VJx9ohoEClScfeHcfhScfloWGgH\
        aAgoKGgJaApYAgAAADEwcfpoDEsBdHH7UUsASwGFcfxLAYVx/YloEClScf50cf9ScgABAACIaBApUnIBAQAAh3ICAQAAUnIDAQAAdWgYfXIEAQAAaCpo\
        K11yBQEAAIVyBgEAAFJyBwEAAGgvaBApUnIIAQAAaDFoEClScgkBAABoM05oNGgQKVJyCgEAAGg2aBApUnILAQAAaDhoEClScgwBAABoOmgQKVJyDQEA\
        AGg8aBApUnIOAQAAaD5oEClScg8BAABoQGgQKVJyEAEAAGhCaBApUnIRAQAAaERoEClSchIBAABoRn1yEwEAAFgLAAAAaW5fZmVhdHVyZXNyFAEAAEsC\
        WAwAAABvdXRfZmVhdHVyZXNyFQEAAEsBdWJ1dWJ1dWIuUEsHCG0p5kZvCwAAbwsAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAFwAMAGFyY2hpdmUv\
        LmZvcm1hdF92ZXJzaW9uRkIIAFpaWlpaWlpaMVBLBwi379yDAQAAAAEAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABoANwBhcmNoaXZlLy5zdG9y\
        YWdlX2FsaWdubWVudEZCMwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo2NFBLBwg/d3HpAgAAAAIAAABQ\
        SwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABEAPwBhcmNoaXZlL2J5dGVvcmRlckZCOwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWmxpdHRsZVBLBwiFPeMZBgAAAAYAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4APgBhcmNoaXZlL2RhdGEv\
        MEZCOgBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAAAAAAAAgD9QSwcIH2rH6AgAAAAIAAAA\
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOADwAYXJjaGl2ZS9kYXRhLzFGQjgAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWloAAIDAAABAwFBLBwjfrpr5CAAAAAgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4APABhcmNoaXZlL2RhdGEvMkZC\
        OABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAAAAAAIA+AAAAP1BLBwht+RLNDAAAAAwAAABQ\
        SwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4AOABhcmNoaXZlL2RhdGEvM0ZCNABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaAABAPwAAAL8AAIC+AABAPwAAoL8AAEA/AACAvgAAQD8AAIA+AACAvgAAgD4AAAAAAAAAPwAAAL8AAACAAAAAgAAAgD4AAACAUEsH\
        CK4EoqNIAAAASAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgA8AGFyY2hpdmUvZGF0YS80RkI4AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAACAQAAAgEBQSwcII0o+bggAAAAIAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOADwAYXJj\
        aGl2ZS9kYXRhLzVGQjgAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloAAAAAAAAAAFBLBwhp3yJl\
        CAAAAAgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4APABhcmNoaXZlL2RhdGEvNkZCOABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAAAAAAAAAUEsHCGnfImUIAAAACAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgA8AGFyY2hpdmUv\
        ZGF0YS83RkI4AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAACAQAAAgEBQSwcII0o+bggAAAAI\
        AAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOADwAYXJjaGl2ZS9kYXRhLzhGQjgAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWloAAAAAAAAAAFBLBwhp3yJlCAAAAAgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4APABhcmNoaXZlL2RhdGEv\
        OUZCOABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAIEAAAIA/UEsHCGA3mLcIAAAACAAAAFBL\
        AwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADwA7AGFyY2hpdmUvZGF0YS8xMEZCNwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaAACAv1BLBwhK6RlBBAAAAAQAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA8APwBhcmNoaXZlL3ZlcnNpb25GQjsAWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlozClBLBwjRnmdVAgAAAAIAAABQSwMEAAAICAAAAAAA\
        AAAAAAAAAAAAAAAAAB4AMgBhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRGQi4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWjE3OTY4NDI1ODgyNDYwMzU0OTMyMTU4OTQ4ODgwMTI4Nzc3OTQyNjRQSwcIGbpcxygAAAAoAAAAUEsBAgAAAAAICAAAAAAAAG0p5kZv\
        CwAAbwsAABAAAAAAAAAAAAAAAAAAAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECAAAAAAgIAAAAAAAAt+/cgwEAAAABAAAAFwAAAAAAAAAAAAAAAAC/CwAA\
        YXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb25QSwECAAAAAAgIAAAAAAAAP3dx6QIAAAACAAAAGgAAAAAAAAAAAAAAAAARDAAAYXJjaGl2ZS8uc3RvcmFnZV9h\
        bGlnbm1lbnRQSwECAAAAAAgIAAAAAAAAhT3jGQYAAAAGAAAAEQAAAAAAAAAAAAAAAACSDAAAYXJjaGl2ZS9ieXRlb3JkZXJQSwECAAAAAAgIAAAAAAAA\
        H2rH6AgAAAAIAAAADgAAAAAAAAAAAAAAAAAWDQAAYXJjaGl2ZS9kYXRhLzBQSwECAAAAAAgIAAAAAAAA366a+QgAAAAIAAAADgAAAAAAAAAAAAAAAACY\
        DQAAYXJjaGl2ZS9kYXRhLzFQSwECAAAAAAgIAAAAAAAAbfkSzQwAAAAMAAAADgAAAAAAAAAAAAAAAAAYDgAAYXJjaGl2ZS9kYXRhLzJQSwECAAAAAAgI\
        AAAAAAAArgSio0gAAABIAAAADgAAAAAAAAAAAAAAAACcDgAAYXJjaGl2ZS9kYXRhLzNQSwECAAAAAAgIAAAAAAAAI0o+bggAAAAIAAAADgAAAAAAAAAA\
        AAAAAABYDwAAYXJjaGl2ZS9kYXRhLzRQSwECAAAAAAgIAAAAAAAAad8iZQgAAAAIAAAADgAAAAAAAAAAAAAAAADYDwAAYXJjaGl2ZS9kYXRhLzVQSwEC\
        AAAAAAgIAAAAAAAAad8iZQgAAAAIAAAADgAAAAAAAAAAAAAAAABYEAAAYXJjaGl2ZS9kYXRhLzZQSwECAAAAAAgIAAAAAAAAI0o+bggAAAAIAAAADgAA\
        AAAAAAAAAAAAAADYEAAAYXJjaGl2ZS9kYXRhLzdQSwECAAAAAAgIAAAAAAAAad8iZQgAAAAIAAAADgAAAAAAAAAAAAAAAABYEQAAYXJjaGl2ZS9kYXRh\
        LzhQSwECAAAAAAgIAAAAAAAAYDeYtwgAAAAIAAAADgAAAAAAAAAAAAAAAADYEQAAYXJjaGl2ZS9kYXRhLzlQSwECAAAAAAgIAAAAAAAASukZQQQAAAAE\
        AAAADwAAAAAAAAAAAAAAAABYEgAAYXJjaGl2ZS9kYXRhLzEwUEsBAgAAAAAICAAAAAAAANGeZ1UCAAAAAgAAAA8AAAAAAAAAAAAAAAAA1BIAAGFyY2hp\
        dmUvdmVyc2lvblBLAQIAAAAACAgAAAAAAAAZulzHKAAAACgAAAAeAAAAAAAAAAAAAAAAAFITAABhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRQ\
        SwYGLAAAAAAAAAAeAy0AAAAAAAAAAAARAAAAAAAAABEAAAAAAAAAKAQAAAAAAAD4EwAAAAAAAFBLBgcAAAAAIBgAAAAAAAABAAAAUEsFBgAAAAARABEA\
        KAQAAPgTAAAAAA==
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "scale", type: "float32", shape: [2],
          values: [0.0, 1.0]),
        .init(
          name: "shift", type: "float32", shape: [2],
          values: [-4.0, -3.0]),
        .init(
          name: "head.weight", type: "float32", shape: [2, 1, 3, 3],
          values: [
            0.75, -0.5, -0.25, 0.75, -1.25, 0.75, -0.25, 0.75, 0.25, -0.25, 0.25, 0.0, 0.5, -0.5, -0.0, -0.0, 0.25, -0.0,
          ]),
        .init(
          name: "norm.weight", type: "float32", shape: [2],
          values: [4.0, 4.0]),
        .init(
          name: "norm.bias", type: "float32", shape: [2],
          values: [0.0, 0.0]),
        .init(
          name: "norm.running_mean", type: "float32", shape: [2],
          values: [0.0, 0.0]),
        .init(
          name: "norm.running_var", type: "float32", shape: [2],
          values: [4.0, 4.0]),
        .init(
          name: "norm.num_batches_tracked", type: "int32", shape: [],
          values: [0]),
        .init(
          name: "body.1.weight", type: "float32", shape: [1, 2],
          values: [2.5, 1.0]),
        .init(
          name: "body.1.bias", type: "float32", shape: [1],
          values: [-1.0]),
      ]),
    CheckpointFixture(
      name: "module, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAihYBgAAAG1vZHVsZXEAY19fbWFpbl9fClRpbnkKcQFYBwAA\
        AGZpbGUucHlxAlgGAAAAc291cmNlcQN0cQRRKYFxBX1xBihYCAAAAHRyYWluaW5ncQeIWAsAAABfcGFyYW1ldGVyc3EIfXEJKFgFAAAAc2NhbGVxCmN0\
        b3JjaC5fdXRpbHMKX3JlYnVpbGRfcGFyYW1ldGVyCnELY3RvcmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcQwoKFgHAAAAc3RvcmFnZXENY3Rv\
        cmNoCkZsb2F0U3RvcmFnZQpxDlgOAAAAOTQyMTcyNjMxNTQxNDRxD1gDAAAAY3B1cRBLAk50cRFRSwBLAoVxEksBhXETiWNjb2xsZWN0aW9ucwpPcmRl\
        cmVkRGljdApxFClScRV0cRZScReIaBQpUnEYh3EZUnEaWAYAAABhYnNlbnRxG051WAgAAABfYnVmZmVyc3EcfXEdKFgFAAAAc2hpZnRxHmgMKChoDWgO\
        WA4AAAA5NDIxNzI2MzEwMzU4NHEfaBBLAk50cSBRSwBLAoVxIUsBhXEiiWgUKVJxI3RxJFJxJVgFAAAAY2FjaGVxJmgMKChoDWgOWA4AAAA5NDIxNzI2\
        MzEzMzc2MHEnaBBLA050cShRSwBLA4VxKUsBhXEqiWgUKVJxK3RxLFJxLXVYGwAAAF9ub25fcGVyc2lzdGVudF9idWZmZXJzX3NldHEuY19fYnVpbHRp\
        bl9fCnNldApxL11xMGgmYYVxMVJxMlgTAAAAX2JhY2t3YXJkX3ByZV9ob29rc3EzaBQpUnE0WA8AAABfYmFja3dhcmRfaG9va3NxNWgUKVJxNlgWAAAA\
        X2lzX2Z1bGxfYmFja3dhcmRfaG9va3E3TlgOAAAAX2ZvcndhcmRfaG9va3NxOGgUKVJxOVgaAAAAX2ZvcndhcmRfaG9va3Nfd2l0aF9rd2FyZ3NxOmgU\
        KVJxO1gcAAAAX2ZvcndhcmRfaG9va3NfYWx3YXlzX2NhbGxlZHE8aBQpUnE9WBIAAABfZm9yd2FyZF9wcmVfaG9va3NxPmgUKVJxP1geAAAAX2Zvcndh\
        cmRfcHJlX2hvb2tzX3dpdGhfa3dhcmdzcUBoFClScUFYEQAAAF9zdGF0ZV9kaWN0X2hvb2tzcUJoFClScUNYFQAAAF9zdGF0ZV9kaWN0X3ByZV9ob29r\
        c3FEaBQpUnFFWBoAAABfbG9hZF9zdGF0ZV9kaWN0X3ByZV9ob29rc3FGaBQpUnFHWBsAAABfbG9hZF9zdGF0ZV9kaWN0X3Bvc3RfaG9va3NxSGgUKVJx\
        SVgIAAAAX21vZHVsZXNxSn1xSyhYBAAAAGhlYWRxTChoAGN0b3JjaC5ubi5tb2R1bGVzLmNvbnYKQ29udjJkCnFNaAJoA3RxTlEpgXFPfXFQKGgHiGgI\
        fXFRKFgGAAAAd2VpZ2h0cVJoC2gMKChoDWgOWA4AAAA5NDIxNzI2MzA5NzI4MHFTaBBLEk50cVRRSwAoSwJLAUsDSwN0cVUoSwlLCUsDSwF0cVaJaBQp\
        UnFXdHFYUnFZiGgUKVJxWodxW1JxXFgEAAAAYmlhc3FdTnVoHH1xXmguaC9dcV+FcWBScWFoM2gUKVJxYmg1aBQpUnFjaDdOaDhoFClScWRoOmgUKVJx\
        ZWg8aBQpUnFmaD5oFClScWdoQGgUKVJxaGhCaBQpUnFpaERoFClScWpoRmgUKVJxa2hIaBQpUnFsaEp9cW1YCwAAAGluX2NoYW5uZWxzcW5LAVgMAAAA\
        b3V0X2NoYW5uZWxzcW9LAlgLAAAAa2VybmVsX3NpemVxcEsDSwOGcXFYBgAAAHN0cmlkZXFySwFLAYZxc1gHAAAAcGFkZGluZ3F0SwBLAIZxdVgIAAAA\
        ZGlsYXRpb25xdksBSwGGcXdYCgAAAHRyYW5zcG9zZWRxeIlYDgAAAG91dHB1dF9wYWRkaW5ncXlLAEsAhnF6WAYAAABncm91cHNxe0sBWAwAAABwYWRk\
        aW5nX21vZGVxfFgFAAAAemVyb3NxfVggAAAAX3JldmVyc2VkX3BhZGRpbmdfcmVwZWF0ZWRfdHdpY2VxfihLAEsASwBLAHRxf3ViWAQAAABub3JtcYAo\
        aABjdG9yY2gubm4ubW9kdWxlcy5iYXRjaG5vcm0KQmF0Y2hOb3JtMmQKcYFoAmgDdHGCUSmBcYN9cYQoaAeIaAh9cYUoaFJoC2gMKChoDWgOWA4AAAA5\
        NDIxNzI2MzEyMjE0NHGGaBBLAk50cYdRSwBLAoVxiEsBhXGJiWgUKVJxinRxi1JxjIhoFClScY2HcY5ScY9oXWgLaAwoKGgNaA5YDgAAADk0MjE3MjYz\
        MDYwNDk2cZBoEEsCTnRxkVFLAEsChXGSSwGFcZOJaBQpUnGUdHGVUnGWiGgUKVJxl4dxmFJxmXVoHH1xmihYDAAAAHJ1bm5pbmdfbWVhbnGbaAwoKGgN\
        aA5YDgAAADk0MjE3MjYzMTI4NjcycZxoEEsCTnRxnVFLAEsChXGeSwGFcZ+JaBQpUnGgdHGhUnGiWAsAAABydW5uaW5nX3ZhcnGjaAwoKGgNaA5YDgAA\
        ADk0MjE3MjYzMTAzMjAwcaRoEEsCTnRxpVFLAEsChXGmSwGFcaeJaBQpUnGodHGpUnGqWBMAAABudW1fYmF0Y2hlc190cmFja2VkcatoDCgoaA1jdG9y\
        Y2gKTG9uZ1N0b3JhZ2UKcaxYDgAAADk0MjE3MjYzMDkxODQwca1oEEsBTnRxrlFLACkpiWgUKVJxr3RxsFJxsXVoLmgvXXGyhXGzUnG0aDNoFClScbVo\
        NWgUKVJxtmg3Tmg4aBQpUnG3aDpoFClScbhoPGgUKVJxuWg+aBQpUnG6aEBoFClScbtoQmgUKVJxvGhEaBQpUnG9aEZoFClScb5oSGgUKVJxv2hKfXHA\
        WAwAAABudW1fZmVhdHVyZXNxwUsCWAMAAABlcHNxwkc+5Pi1iONo8VgIAAAAbW9tZW50dW1xw0c/uZmZmZmZmlgGAAAAYWZmaW5lccSIWBMAAAB0cmFj\
        a19ydW5uaW5nX3N0YXRzccWIdWJYBAAAAGJvZHlxxihoAGN0b3JjaC5ubi5tb2R1bGVzLmNvbnRhaW5lcgpTZXF1ZW50aWFsCnHHaAJoA3RxyFEpgXHJ\
        fXHKKGgHiGgIfXHLaBx9ccxoLmgvXXHNhXHOUnHPaDNoFClScdBoNWgUKVJx0Wg3Tmg4aBQpUnHSaDpoFClScdNoPGgUKVJx1Gg+aBQpUnHVaEBoFClS\
        cdZoQmgUKVJx12hEaBQpUnHYaEZoFClScdloSGgUKVJx2mhKfXHbKFgBAAAAMHHcKGgAY3RvcmNoLm5uLm1vZHVsZXMuYWN0aXZhdGlvbgpSZUxVCnHd\
        aAJoA3Rx3lEpgXHffXHgKGgHiGgIfXHhaBx9ceJoLmgvXXHjhXHkUnHlaDNoFClSceZoNWgUKVJx52g3Tmg4aBQpUnHoaDpoFClSceloPGgUKVJx6mg+\
        aBQpUnHraEBoFClScexoQmgUKVJx7WhEaBQpUnHuaEZoFClSce9oSGgUKVJx8GhKfXHxWAcAAABpbnBsYWNlcfKJdWJYAQAAADFx8yhoAGN0b3JjaC5u\
        bi5tb2R1bGVzLmxpbmVhcgpMaW5lYXIKcfRoAmgDdHH1USmBcfZ9cfcoaAeIaAh9cfgoaFJoC2gMKChoDWgOWA4AAAA5NDIxNzI2MzAwNTA1NnH5aBBL\
        Ak50cfpRSwBLAUsChnH7SwJLAYZx/IloFClScf10cf5Scf+IaBQpUnIAAQAAh3IBAQAAUnICAQAAaF1oC2gMKChoDWgOWA4AAAA5NDIxNzI2MzEyMDIw\
        OHIDAQAAaBBLAU50cgQBAABRSwBLAYVyBQEAAEsBhXIGAQAAiWgUKVJyBwEAAHRyCAEAAFJyCQEAAIhoFClScgoBAACHcgsBAABScgwBAAB1aBx9cg0B\
        AABoLmgvXXIOAQAAhXIPAQAAUnIQAQAAaDNoFClSchEBAABoNWgUKVJyEgEAAGg3Tmg4aBQpUnITAQAAaDpoFClSchQBAABoPGgUKVJyFQEAAGg+aBQp\
        UnIWAQAAaEBoFClSchcBAABoQmgUKVJyGAEAAGhEaBQpUnIZAQAAaEZoFClSchoBAABoSGgUKVJyGwEAAGhKfXIcAQAAWAsAAABpbl9mZWF0dXJlc3Id\
        AQAASwJYDAAAAG91dF9mZWF0dXJlc3IeAQAASwF1YnV1YnV1Yi6AAl1xAChYDgAAADk0MjE3MjYzMDA1MDU2cQFYDgAAADk0MjE3MjYzMDYwNDk2cQJY\
        DgAAADk0MjE3MjYzMDkxODQwcQNYDgAAADk0MjE3MjYzMDk3MjgwcQRYDgAAADk0MjE3MjYzMTAzMjAwcQVYDgAAADk0MjE3MjYzMTAzNTg0cQZYDgAA\
        ADk0MjE3MjYzMTIwMjA4cQdYDgAAADk0MjE3MjYzMTIyMTQ0cQhYDgAAADk0MjE3MjYzMTI4NjcycQlYDgAAADk0MjE3MjYzMTMzNzYwcQpYDgAAADk0\
        MjE3MjYzMTU0MTQ0cQtlLgIAAAAAAAAAAAAgQAAAgD8CAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAABIAAAAAAAAAAABAPwAAAL8AAIC+AABA\
        PwAAoL8AAEA/AACAvgAAQD8AAIA+AACAvgAAgD4AAAAAAAAAPwAAAL8AAACAAAAAgAAAgD4AAACAAgAAAAAAAAAAAIBAAACAQAIAAAAAAAAAAACAwAAA\
        QMABAAAAAAAAAAAAgL8CAAAAAAAAAAAAgEAAAIBAAgAAAAAAAAAAAAAAAAAAAAMAAAAAAAAAAAAAAAAAgD4AAAA/AgAAAAAAAAAAAAAAAACAPw==
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "scale", type: "float32", shape: [2],
          values: [0.0, 1.0]),
        .init(
          name: "shift", type: "float32", shape: [2],
          values: [-4.0, -3.0]),
        .init(
          name: "head.weight", type: "float32", shape: [2, 1, 3, 3],
          values: [
            0.75, -0.5, -0.25, 0.75, -1.25, 0.75, -0.25, 0.75, 0.25, -0.25, 0.25, 0.0, 0.5, -0.5, -0.0, -0.0, 0.25, -0.0,
          ]),
        .init(
          name: "norm.weight", type: "float32", shape: [2],
          values: [4.0, 4.0]),
        .init(
          name: "norm.bias", type: "float32", shape: [2],
          values: [0.0, 0.0]),
        .init(
          name: "norm.running_mean", type: "float32", shape: [2],
          values: [0.0, 0.0]),
        .init(
          name: "norm.running_var", type: "float32", shape: [2],
          values: [4.0, 4.0]),
        .init(
          name: "norm.num_batches_tracked", type: "int32", shape: [],
          values: [0]),
        .init(
          name: "body.1.weight", type: "float32", shape: [1, 2],
          values: [2.5, 1.0]),
        .init(
          name: "body.1.bias", type: "float32", shape: [1],
          values: [-1.0]),
      ]),
    CheckpointFixture(
      name: "module under a key, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACfXEAKFgFAAAAbW9kZWxxAWNfX21h\
        aW5fXwpUaW55CnECKYFxA31xBChYCAAAAHRyYWluaW5ncQWIWAsAAABfcGFyYW1ldGVyc3EGfXEHKFgFAAAAc2NhbGVxCGN0b3JjaC5fdXRpbHMKX3Jl\
        YnVpbGRfcGFyYW1ldGVyCnEJY3RvcmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcQooKFgHAAAAc3RvcmFnZXELY3RvcmNoCkZsb2F0U3RvcmFn\
        ZQpxDFgBAAAAMHENWAMAAABjcHVxDksCdHEPUUsASwKFcRBLAYVxEYljY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcRIpUnETdHEUUnEViGgSKVJxFodx\
        F1JxGFgGAAAAYWJzZW50cRlOdVgIAAAAX2J1ZmZlcnNxGn1xGyhYBQAAAHNoaWZ0cRxoCigoaAtoDFgBAAAAMXEdaA5LAnRxHlFLAEsChXEfSwGFcSCJ\
        aBIpUnEhdHEiUnEjWAUAAABjYWNoZXEkaAooKGgLaAxYAQAAADJxJWgOSwN0cSZRSwBLA4VxJ0sBhXEoiWgSKVJxKXRxKlJxK3VYGwAAAF9ub25fcGVy\
        c2lzdGVudF9idWZmZXJzX3NldHEsY19fYnVpbHRpbl9fCnNldApxLV1xLmgkYYVxL1JxMFgTAAAAX2JhY2t3YXJkX3ByZV9ob29rc3ExaBIpUnEyWA8A\
        AABfYmFja3dhcmRfaG9va3NxM2gSKVJxNFgWAAAAX2lzX2Z1bGxfYmFja3dhcmRfaG9va3E1TlgOAAAAX2ZvcndhcmRfaG9va3NxNmgSKVJxN1gaAAAA\
        X2ZvcndhcmRfaG9va3Nfd2l0aF9rd2FyZ3NxOGgSKVJxOVgcAAAAX2ZvcndhcmRfaG9va3NfYWx3YXlzX2NhbGxlZHE6aBIpUnE7WBIAAABfZm9yd2Fy\
        ZF9wcmVfaG9va3NxPGgSKVJxPVgeAAAAX2ZvcndhcmRfcHJlX2hvb2tzX3dpdGhfa3dhcmdzcT5oEilScT9YEQAAAF9zdGF0ZV9kaWN0X2hvb2tzcUBo\
        EilScUFYFQAAAF9zdGF0ZV9kaWN0X3ByZV9ob29rc3FCaBIpUnFDWBoAAABfbG9hZF9zdGF0ZV9kaWN0X3ByZV9ob29rc3FEaBIpUnFFWBsAAABfbG9h\
        ZF9zdGF0ZV9kaWN0X3Bvc3RfaG9va3NxRmgSKVJxR1gIAAAAX21vZHVsZXNxSH1xSShYBAAAAGhlYWRxSmN0b3JjaC5ubi5tb2R1bGVzLmNvbnYKQ29u\
        djJkCnFLKYFxTH1xTShoBYhoBn1xTihYBgAAAHdlaWdodHFPaAloCigoaAtoDFgBAAAAM3FQaA5LEnRxUVFLAChLAksBSwNLA3RxUihLCUsJSwNLAXRx\
        U4loEilScVR0cVVScVaIaBIpUnFXh3FYUnFZWAQAAABiaWFzcVpOdWgafXFbaCxoLV1xXIVxXVJxXmgxaBIpUnFfaDNoEilScWBoNU5oNmgSKVJxYWg4\
        aBIpUnFiaDpoEilScWNoPGgSKVJxZGg+aBIpUnFlaEBoEilScWZoQmgSKVJxZ2hEaBIpUnFoaEZoEilScWloSH1xalgLAAAAaW5fY2hhbm5lbHNxa0sB\
        WAwAAABvdXRfY2hhbm5lbHNxbEsCWAsAAABrZXJuZWxfc2l6ZXFtSwNLA4ZxblgGAAAAc3RyaWRlcW9LAUsBhnFwWAcAAABwYWRkaW5ncXFLAEsAhnFy\
        WAgAAABkaWxhdGlvbnFzSwFLAYZxdFgKAAAAdHJhbnNwb3NlZHF1iVgOAAAAb3V0cHV0X3BhZGRpbmdxdksASwCGcXdYBgAAAGdyb3Vwc3F4SwFYDAAA\
        AHBhZGRpbmdfbW9kZXF5WAUAAAB6ZXJvc3F6WCAAAABfcmV2ZXJzZWRfcGFkZGluZ19yZXBlYXRlZF90d2ljZXF7KEsASwBLAEsAdHF8dWJYBAAAAG5v\
        cm1xfWN0b3JjaC5ubi5tb2R1bGVzLmJhdGNobm9ybQpCYXRjaE5vcm0yZApxfimBcX99cYAoaAWIaAZ9cYEoaE9oCWgKKChoC2gMWAEAAAA0cYJoDksC\
        dHGDUUsASwKFcYRLAYVxhYloEilScYZ0cYdScYiIaBIpUnGJh3GKUnGLaFpoCWgKKChoC2gMWAEAAAA1cYxoDksCdHGNUUsASwKFcY5LAYVxj4loEilS\
        cZB0cZFScZKIaBIpUnGTh3GUUnGVdWgafXGWKFgMAAAAcnVubmluZ19tZWFucZdoCigoaAtoDFgBAAAANnGYaA5LAnRxmVFLAEsChXGaSwGFcZuJaBIp\
        UnGcdHGdUnGeWAsAAABydW5uaW5nX3ZhcnGfaAooKGgLaAxYAQAAADdxoGgOSwJ0caFRSwBLAoVxoksBhXGjiWgSKVJxpHRxpVJxplgTAAAAbnVtX2Jh\
        dGNoZXNfdHJhY2tlZHGnaAooKGgLY3RvcmNoCkxvbmdTdG9yYWdlCnGoWAEAAAA4caloDksBdHGqUUsAKSmJaBIpUnGrdHGsUnGtdWgsaC1dca6Fca9S\
        cbBoMWgSKVJxsWgzaBIpUnGyaDVOaDZoEilScbNoOGgSKVJxtGg6aBIpUnG1aDxoEilScbZoPmgSKVJxt2hAaBIpUnG4aEJoEilScbloRGgSKVJxumhG\
        aBIpUnG7aEh9cbxYDAAAAG51bV9mZWF0dXJlc3G9SwJYAwAAAGVwc3G+Rz7k+LWI42jxWAgAAABtb21lbnR1bXG/Rz+5mZmZmZmaWAYAAABhZmZpbmVx\
        wIhYEwAAAHRyYWNrX3J1bm5pbmdfc3RhdHNxwYh1YlgEAAAAYm9keXHCY3RvcmNoLm5uLm1vZHVsZXMuY29udGFpbmVyClNlcXVlbnRpYWwKccMpgXHE\
        fXHFKGgFiGgGfXHGaBp9ccdoLGgtXXHIhXHJUnHKaDFoEilScctoM2gSKVJxzGg1Tmg2aBIpUnHNaDhoEilScc5oOmgSKVJxz2g8aBIpUnHQaD5oEilS\
        cdFoQGgSKVJx0mhCaBIpUnHTaERoEilScdRoRmgSKVJx1WhIfXHWKFgBAAAAMHHXY3RvcmNoLm5uLm1vZHVsZXMuYWN0aXZhdGlvbgpSZUxVCnHYKYFx\
        2X1x2ihoBYhoBn1x22gafXHcaCxoLV1x3YVx3lJx32gxaBIpUnHgaDNoEilSceFoNU5oNmgSKVJx4mg4aBIpUnHjaDpoEilSceRoPGgSKVJx5Wg+aBIp\
        UnHmaEBoEilScedoQmgSKVJx6GhEaBIpUnHpaEZoEilScepoSH1x61gHAAAAaW5wbGFjZXHsiXViWAEAAAAxce1jdG9yY2gubm4ubW9kdWxlcy5saW5l\
        YXIKTGluZWFyCnHuKYFx731x8ChoBYhoBn1x8ShoT2gJaAooKGgLaAxYAQAAADlx8mgOSwJ0cfNRSwBLAUsChnH0SwJLAYZx9YloEilScfZ0cfdScfiI\
        aBIpUnH5h3H6UnH7aFpoCWgKKChoC2gMWAIAAAAxMHH8aA5LAXRx/VFLAEsBhXH+SwGFcf+JaBIpUnIAAQAAdHIBAQAAUnICAQAAiGgSKVJyAwEAAIdy\
        BAEAAFJyBQEAAHVoGn1yBgEAAGgsaC1dcgcBAACFcggBAABScgkBAABoMWgSKVJyCgEAAGgzaBIpUnILAQAAaDVOaDZoEilScgwBAABoOGgSKVJyDQEA\
        AGg6aBIpUnIOAQAAaDxoEilScg8BAABoPmgSKVJyEAEAAGhAaBIpUnIRAQAAaEJoEilSchIBAABoRGgSKVJyEwEAAGhGaBIpUnIUAQAAaEh9chUBAABY\
        CwAAAGluX2ZlYXR1cmVzchYBAABLAlgMAAAAb3V0X2ZlYXR1cmVzchcBAABLAXVidXVidXViWAUAAABlcG9jaHIYAQAASwl1LlBLBwhTFvWIlwsAAJcL\
        AABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABcAJABhcmNoaXZlLy5mb3JtYXRfdmVyc2lvbkZCIABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWjFQSwcIt+/cgwEAAAABAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAaADcAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRGQjMAWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaNjRQSwcIP3dx6QIAAAACAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAA\
        AAARAD8AYXJjaGl2ZS9ieXRlb3JkZXJGQjsAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlps\
        aXR0bGVQSwcIhT3jGQYAAAAGAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOAD4AYXJjaGl2ZS9kYXRhLzBGQjoAWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAAAAAAIA/UEsHCB9qx+gIAAAACAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAA\
        AAAADgA8AGFyY2hpdmUvZGF0YS8xRkI4AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAACAwAAA\
        QMBQSwcI366a+QgAAAAIAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOADwAYXJjaGl2ZS9kYXRhLzJGQjgAWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloAAAAAAACAPgAAAD9QSwcIbfkSzQwAAAAMAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAA\
        AAAOADgAYXJjaGl2ZS9kYXRhLzNGQjQAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAQD8AAAC/AACA\
        vgAAQD8AAKC/AABAPwAAgL4AAEA/AACAPgAAgL4AAIA+AAAAAAAAAD8AAAC/AAAAgAAAAIAAAIA+AAAAgFBLBwiuBKKjSAAAAEgAAABQSwMEAAAICAAA\
        AAAAAAAAAAAAAAAAAAAAAA4APABhcmNoaXZlL2RhdGEvNEZCOABaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWgAAgEAAAIBAUEsHCCNKPm4IAAAACAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgA8AGFyY2hpdmUvZGF0YS81RkI4AFpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAAAAAAAAAABQSwcIad8iZQgAAAAIAAAAUEsDBAAACAgAAAAAAAAA\
        AAAAAAAAAAAAAAAOADwAYXJjaGl2ZS9kYXRhLzZGQjgAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WloAAAAAAAAAAFBLBwhp3yJlCAAAAAgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA4APABhcmNoaXZlL2RhdGEvN0ZCOABaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAgEAAAIBAUEsHCCNKPm4IAAAACAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAA\
        AAAAAAAADgA8AGFyY2hpdmUvZGF0YS84RkI4AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAAAA\
        AAAAAABQSwcIad8iZQgAAAAIAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAOADwAYXJjaGl2ZS9kYXRhLzlGQjgAWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloAACBAAACAP1BLBwhgN5i3CAAAAAgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAA\
        AA8AOwBhcmNoaXZlL2RhdGEvMTBGQjcAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAgL9QSwcI\
        SukZQQQAAAAEAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAPAD8AYXJjaGl2ZS92ZXJzaW9uRkI7AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaMwpQSwcI0Z5nVQIAAAACAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAeADIAYXJjaGl2\
        ZS8uZGF0YS9zZXJpYWxpemF0aW9uX2lkRkIuAFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloxNzk2ODQyNTg4MjQ2\
        MDM1NDkzMjA1NzQ5ODUyNjY2MDIwMjk3NTIzUEsHCJUoWIYoAAAAKAAAAFBLAQIAAAAACAgAAAAAAABTFvWIlwsAAJcLAAAQAAAAAAAAAAAAAAAAAAAA\
        AABhcmNoaXZlL2RhdGEucGtsUEsBAgAAAAAICAAAAAAAALfv3IMBAAAAAQAAABcAAAAAAAAAAAAAAAAA5wsAAGFyY2hpdmUvLmZvcm1hdF92ZXJzaW9u\
        UEsBAgAAAAAICAAAAAAAAD93cekCAAAAAgAAABoAAAAAAAAAAAAAAAAAUQwAAGFyY2hpdmUvLnN0b3JhZ2VfYWxpZ25tZW50UEsBAgAAAAAICAAAAAAA\
        AIU94xkGAAAABgAAABEAAAAAAAAAAAAAAAAA0gwAAGFyY2hpdmUvYnl0ZW9yZGVyUEsBAgAAAAAICAAAAAAAAB9qx+gIAAAACAAAAA4AAAAAAAAAAAAA\
        AAAAVg0AAGFyY2hpdmUvZGF0YS8wUEsBAgAAAAAICAAAAAAAAN+umvkIAAAACAAAAA4AAAAAAAAAAAAAAAAA2A0AAGFyY2hpdmUvZGF0YS8xUEsBAgAA\
        AAAICAAAAAAAAG35Es0MAAAADAAAAA4AAAAAAAAAAAAAAAAAWA4AAGFyY2hpdmUvZGF0YS8yUEsBAgAAAAAICAAAAAAAAK4EoqNIAAAASAAAAA4AAAAA\
        AAAAAAAAAAAA3A4AAGFyY2hpdmUvZGF0YS8zUEsBAgAAAAAICAAAAAAAACNKPm4IAAAACAAAAA4AAAAAAAAAAAAAAAAAmA8AAGFyY2hpdmUvZGF0YS80\
        UEsBAgAAAAAICAAAAAAAAGnfImUIAAAACAAAAA4AAAAAAAAAAAAAAAAAGBAAAGFyY2hpdmUvZGF0YS81UEsBAgAAAAAICAAAAAAAAGnfImUIAAAACAAA\
        AA4AAAAAAAAAAAAAAAAAmBAAAGFyY2hpdmUvZGF0YS82UEsBAgAAAAAICAAAAAAAACNKPm4IAAAACAAAAA4AAAAAAAAAAAAAAAAAGBEAAGFyY2hpdmUv\
        ZGF0YS83UEsBAgAAAAAICAAAAAAAAGnfImUIAAAACAAAAA4AAAAAAAAAAAAAAAAAmBEAAGFyY2hpdmUvZGF0YS84UEsBAgAAAAAICAAAAAAAAGA3mLcI\
        AAAACAAAAA4AAAAAAAAAAAAAAAAAGBIAAGFyY2hpdmUvZGF0YS85UEsBAgAAAAAICAAAAAAAAErpGUEEAAAABAAAAA8AAAAAAAAAAAAAAAAAmBIAAGFy\
        Y2hpdmUvZGF0YS8xMFBLAQIAAAAACAgAAAAAAADRnmdVAgAAAAIAAAAPAAAAAAAAAAAAAAAAABQTAABhcmNoaXZlL3ZlcnNpb25QSwECAAAAAAgIAAAA\
        AAAAlShYhigAAAAoAAAAHgAAAAAAAAAAAAAAAACSEwAAYXJjaGl2ZS8uZGF0YS9zZXJpYWxpemF0aW9uX2lkUEsGBiwAAAAAAAAAHgMtAAAAAAAAAAAA\
        EQAAAAAAAAARAAAAAAAAACgEAAAAAAAAOBQAAAAAAABQSwYHAAAAAGAYAAAAAAAAAQAAAFBLBQYAAAAAEQARACgEAAA4FAAAAAA=
        """,
      path: ["model"], skipped: [],
      parameters: [
        .init(
          name: "scale", type: "float32", shape: [2],
          values: [0.0, 1.0]),
        .init(
          name: "shift", type: "float32", shape: [2],
          values: [-4.0, -3.0]),
        .init(
          name: "head.weight", type: "float32", shape: [2, 1, 3, 3],
          values: [
            0.75, -0.5, -0.25, 0.75, -1.25, 0.75, -0.25, 0.75, 0.25, -0.25, 0.25, 0.0, 0.5, -0.5, -0.0, -0.0, 0.25, -0.0,
          ]),
        .init(
          name: "norm.weight", type: "float32", shape: [2],
          values: [4.0, 4.0]),
        .init(
          name: "norm.bias", type: "float32", shape: [2],
          values: [0.0, 0.0]),
        .init(
          name: "norm.running_mean", type: "float32", shape: [2],
          values: [0.0, 0.0]),
        .init(
          name: "norm.running_var", type: "float32", shape: [2],
          values: [4.0, 4.0]),
        .init(
          name: "norm.num_batches_tracked", type: "int32", shape: [],
          values: [0]),
        .init(
          name: "body.1.weight", type: "float32", shape: [1, 2],
          values: [2.5, 1.0]),
        .init(
          name: "body.1.bias", type: "float32", shape: [1],
          values: [-1.0]),
      ]),
    CheckpointFixture(
      name: "module under a key, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAn1xAChYBQAAAG1vZGVscQEoWAYAAABtb2R1bGVxAmNfX21h\
        aW5fXwpUaW55CnEDWAcAAABmaWxlLnB5cQRYBgAAAHNvdXJjZXEFdHEGUSmBcQd9cQgoWAgAAAB0cmFpbmluZ3EJiFgLAAAAX3BhcmFtZXRlcnNxCn1x\
        CyhYBQAAAHNjYWxlcQxjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3BhcmFtZXRlcgpxDWN0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YyCnEOKChY\
        BwAAAHN0b3JhZ2VxD2N0b3JjaApGbG9hdFN0b3JhZ2UKcRBYDgAAADk0MjE3MjYzMTU0MTQ0cRFYAwAAAGNwdXESSwJOdHETUUsASwKFcRRLAYVxFYlj\
        Y29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcRYpUnEXdHEYUnEZiGgWKVJxGodxG1JxHFgGAAAAYWJzZW50cR1OdVgIAAAAX2J1ZmZlcnNxHn1xHyhYBQAA\
        AHNoaWZ0cSBoDigoaA9oEFgOAAAAOTQyMTcyNjMxMDM1ODRxIWgSSwJOdHEiUUsASwKFcSNLAYVxJIloFilScSV0cSZScSdYBQAAAGNhY2hlcShoDigo\
        aA9oEFgOAAAAOTQyMTcyNjMxMzM3NjBxKWgSSwNOdHEqUUsASwOFcStLAYVxLIloFilScS10cS5ScS91WBsAAABfbm9uX3BlcnNpc3RlbnRfYnVmZmVy\
        c19zZXRxMGNfX2J1aWx0aW5fXwpzZXQKcTFdcTJoKGGFcTNScTRYEwAAAF9iYWNrd2FyZF9wcmVfaG9va3NxNWgWKVJxNlgPAAAAX2JhY2t3YXJkX2hv\
        b2tzcTdoFilScThYFgAAAF9pc19mdWxsX2JhY2t3YXJkX2hvb2txOU5YDgAAAF9mb3J3YXJkX2hvb2tzcTpoFilScTtYGgAAAF9mb3J3YXJkX2hvb2tz\
        X3dpdGhfa3dhcmdzcTxoFilScT1YHAAAAF9mb3J3YXJkX2hvb2tzX2Fsd2F5c19jYWxsZWRxPmgWKVJxP1gSAAAAX2ZvcndhcmRfcHJlX2hvb2tzcUBo\
        FilScUFYHgAAAF9mb3J3YXJkX3ByZV9ob29rc193aXRoX2t3YXJnc3FCaBYpUnFDWBEAAABfc3RhdGVfZGljdF9ob29rc3FEaBYpUnFFWBUAAABfc3Rh\
        dGVfZGljdF9wcmVfaG9va3NxRmgWKVJxR1gaAAAAX2xvYWRfc3RhdGVfZGljdF9wcmVfaG9va3NxSGgWKVJxSVgbAAAAX2xvYWRfc3RhdGVfZGljdF9w\
        b3N0X2hvb2tzcUpoFilScUtYCAAAAF9tb2R1bGVzcUx9cU0oWAQAAABoZWFkcU4oaAJjdG9yY2gubm4ubW9kdWxlcy5jb252CkNvbnYyZApxT2gEaAV0\
        cVBRKYFxUX1xUihoCYhoCn1xUyhYBgAAAHdlaWdodHFUaA1oDigoaA9oEFgOAAAAOTQyMTcyNjMwOTcyODBxVWgSSxJOdHFWUUsAKEsCSwFLA0sDdHFX\
        KEsJSwlLA0sBdHFYiWgWKVJxWXRxWlJxW4hoFilScVyHcV1ScV5YBAAAAGJpYXNxX051aB59cWBoMGgxXXFhhXFiUnFjaDVoFilScWRoN2gWKVJxZWg5\
        Tmg6aBYpUnFmaDxoFilScWdoPmgWKVJxaGhAaBYpUnFpaEJoFilScWpoRGgWKVJxa2hGaBYpUnFsaEhoFilScW1oSmgWKVJxbmhMfXFvWAsAAABpbl9j\
        aGFubmVsc3FwSwFYDAAAAG91dF9jaGFubmVsc3FxSwJYCwAAAGtlcm5lbF9zaXplcXJLA0sDhnFzWAYAAABzdHJpZGVxdEsBSwGGcXVYBwAAAHBhZGRp\
        bmdxdksASwCGcXdYCAAAAGRpbGF0aW9ucXhLAUsBhnF5WAoAAAB0cmFuc3Bvc2VkcXqJWA4AAABvdXRwdXRfcGFkZGluZ3F7SwBLAIZxfFgGAAAAZ3Jv\
        dXBzcX1LAVgMAAAAcGFkZGluZ19tb2RlcX5YBQAAAHplcm9zcX9YIAAAAF9yZXZlcnNlZF9wYWRkaW5nX3JlcGVhdGVkX3R3aWNlcYAoSwBLAEsASwB0\
        cYF1YlgEAAAAbm9ybXGCKGgCY3RvcmNoLm5uLm1vZHVsZXMuYmF0Y2hub3JtCkJhdGNoTm9ybTJkCnGDaARoBXRxhFEpgXGFfXGGKGgJiGgKfXGHKGhU\
        aA1oDigoaA9oEFgOAAAAOTQyMTcyNjMxMjIxNDRxiGgSSwJOdHGJUUsASwKFcYpLAYVxi4loFilScYx0cY1ScY6IaBYpUnGPh3GQUnGRaF9oDWgOKCho\
        D2gQWA4AAAA5NDIxNzI2MzA2MDQ5NnGSaBJLAk50cZNRSwBLAoVxlEsBhXGViWgWKVJxlnRxl1JxmIhoFilScZmHcZpScZt1aB59cZwoWAwAAABydW5u\
        aW5nX21lYW5xnWgOKChoD2gQWA4AAAA5NDIxNzI2MzEyODY3MnGeaBJLAk50cZ9RSwBLAoVxoEsBhXGhiWgWKVJxonRxo1JxpFgLAAAAcnVubmluZ192\
        YXJxpWgOKChoD2gQWA4AAAA5NDIxNzI2MzEwMzIwMHGmaBJLAk50cadRSwBLAoVxqEsBhXGpiWgWKVJxqnRxq1JxrFgTAAAAbnVtX2JhdGNoZXNfdHJh\
        Y2tlZHGtaA4oKGgPY3RvcmNoCkxvbmdTdG9yYWdlCnGuWA4AAAA5NDIxNzI2MzA5MTg0MHGvaBJLAU50cbBRSwApKYloFilScbF0cbJScbN1aDBoMV1x\
        tIVxtVJxtmg1aBYpUnG3aDdoFilScbhoOU5oOmgWKVJxuWg8aBYpUnG6aD5oFilScbtoQGgWKVJxvGhCaBYpUnG9aERoFilScb5oRmgWKVJxv2hIaBYp\
        UnHAaEpoFilSccFoTH1xwlgMAAAAbnVtX2ZlYXR1cmVzccNLAlgDAAAAZXBzccRHPuT4tYjjaPFYCAAAAG1vbWVudHVtccVHP7mZmZmZmZpYBgAAAGFm\
        ZmluZXHGiFgTAAAAdHJhY2tfcnVubmluZ19zdGF0c3HHiHViWAQAAABib2R5ccgoaAJjdG9yY2gubm4ubW9kdWxlcy5jb250YWluZXIKU2VxdWVudGlh\
        bApxyWgEaAV0ccpRKYFxy31xzChoCYhoCn1xzWgefXHOaDBoMV1xz4Vx0FJx0Wg1aBYpUnHSaDdoFilScdNoOU5oOmgWKVJx1Gg8aBYpUnHVaD5oFilS\
        cdZoQGgWKVJx12hCaBYpUnHYaERoFilScdloRmgWKVJx2mhIaBYpUnHbaEpoFilScdxoTH1x3ShYAQAAADBx3ihoAmN0b3JjaC5ubi5tb2R1bGVzLmFj\
        dGl2YXRpb24KUmVMVQpx32gEaAV0ceBRKYFx4X1x4ihoCYhoCn1x42gefXHkaDBoMV1x5YVx5lJx52g1aBYpUnHoaDdoFilSceloOU5oOmgWKVJx6mg8\
        aBYpUnHraD5oFilScexoQGgWKVJx7WhCaBYpUnHuaERoFilSce9oRmgWKVJx8GhIaBYpUnHxaEpoFilScfJoTH1x81gHAAAAaW5wbGFjZXH0iXViWAEA\
        AAAxcfUoaAJjdG9yY2gubm4ubW9kdWxlcy5saW5lYXIKTGluZWFyCnH2aARoBXRx91EpgXH4fXH5KGgJiGgKfXH6KGhUaA1oDigoaA9oEFgOAAAAOTQy\
        MTcyNjMwMDUwNTZx+2gSSwJOdHH8UUsASwFLAoZx/UsCSwGGcf6JaBYpUnH/dHIAAQAAUnIBAQAAiGgWKVJyAgEAAIdyAwEAAFJyBAEAAGhfaA1oDigo\
        aA9oEFgOAAAAOTQyMTcyNjMxMjAyMDhyBQEAAGgSSwFOdHIGAQAAUUsASwGFcgcBAABLAYVyCAEAAIloFilScgkBAAB0cgoBAABScgsBAACIaBYpUnIM\
        AQAAh3INAQAAUnIOAQAAdWgefXIPAQAAaDBoMV1yEAEAAIVyEQEAAFJyEgEAAGg1aBYpUnITAQAAaDdoFilSchQBAABoOU5oOmgWKVJyFQEAAGg8aBYp\
        UnIWAQAAaD5oFilSchcBAABoQGgWKVJyGAEAAGhCaBYpUnIZAQAAaERoFilSchoBAABoRmgWKVJyGwEAAGhIaBYpUnIcAQAAaEpoFilSch0BAABoTH1y\
        HgEAAFgLAAAAaW5fZmVhdHVyZXNyHwEAAEsCWAwAAABvdXRfZmVhdHVyZXNyIAEAAEsBdWJ1dWJ1dWJYBQAAAGVwb2NociEBAABLCXUugAJdcQAoWA4A\
        AAA5NDIxNzI2MzAwNTA1NnEBWA4AAAA5NDIxNzI2MzA2MDQ5NnECWA4AAAA5NDIxNzI2MzA5MTg0MHEDWA4AAAA5NDIxNzI2MzA5NzI4MHEEWA4AAAA5\
        NDIxNzI2MzEwMzIwMHEFWA4AAAA5NDIxNzI2MzEwMzU4NHEGWA4AAAA5NDIxNzI2MzEyMDIwOHEHWA4AAAA5NDIxNzI2MzEyMjE0NHEIWA4AAAA5NDIx\
        NzI2MzEyODY3MnEJWA4AAAA5NDIxNzI2MzEzMzc2MHEKWA4AAAA5NDIxNzI2MzE1NDE0NHELZS4CAAAAAAAAAAAAIEAAAIA/AgAAAAAAAAAAAAAAAAAA\
        AAEAAAAAAAAAAAAAAAAAAAASAAAAAAAAAAAAQD8AAAC/AACAvgAAQD8AAKC/AABAPwAAgL4AAEA/AACAPgAAgL4AAIA+AAAAAAAAAD8AAAC/AAAAgAAA\
        AIAAAIA+AAAAgAIAAAAAAAAAAACAQAAAgEACAAAAAAAAAAAAgMAAAEDAAQAAAAAAAAAAAIC/AgAAAAAAAAAAAIBAAACAQAIAAAAAAAAAAAAAAAAAAAAD\
        AAAAAAAAAAAAAAAAAIA+AAAAPwIAAAAAAAAAAAAAAAAAgD8=
        """,
      path: ["model"], skipped: [],
      parameters: [
        .init(
          name: "scale", type: "float32", shape: [2],
          values: [0.0, 1.0]),
        .init(
          name: "shift", type: "float32", shape: [2],
          values: [-4.0, -3.0]),
        .init(
          name: "head.weight", type: "float32", shape: [2, 1, 3, 3],
          values: [
            0.75, -0.5, -0.25, 0.75, -1.25, 0.75, -0.25, 0.75, 0.25, -0.25, 0.25, 0.0, 0.5, -0.5, -0.0, -0.0, 0.25, -0.0,
          ]),
        .init(
          name: "norm.weight", type: "float32", shape: [2],
          values: [4.0, 4.0]),
        .init(
          name: "norm.bias", type: "float32", shape: [2],
          values: [0.0, 0.0]),
        .init(
          name: "norm.running_mean", type: "float32", shape: [2],
          values: [0.0, 0.0]),
        .init(
          name: "norm.running_var", type: "float32", shape: [2],
          values: [4.0, 4.0]),
        .init(
          name: "norm.num_batches_tracked", type: "int32", shape: [],
          values: [0]),
        .init(
          name: "body.1.weight", type: "float32", shape: [1, 2],
          values: [2.5, 1.0]),
        .init(
          name: "body.1.bias", type: "float32", shape: [1],
          values: [-1.0]),
      ]),
    CheckpointFixture(
      name: "shared weights, zip",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACY3RvcmNoLm5uLm1vZHVsZXMuY29u\
        dGFpbmVyClNlcXVlbnRpYWwKcQApgXEBfXECKFgIAAAAdHJhaW5pbmdxA4hYCwAAAF9wYXJhbWV0ZXJzcQR9cQVYCAAAAF9idWZmZXJzcQZ9cQdYGwAA\
        AF9ub25fcGVyc2lzdGVudF9idWZmZXJzX3NldHEIY19fYnVpbHRpbl9fCnNldApxCV1xCoVxC1JxDFgTAAAAX2JhY2t3YXJkX3ByZV9ob29rc3ENY2Nv\
        bGxlY3Rpb25zCk9yZGVyZWREaWN0CnEOKVJxD1gPAAAAX2JhY2t3YXJkX2hvb2tzcRBoDilScRFYFgAAAF9pc19mdWxsX2JhY2t3YXJkX2hvb2txEk5Y\
        DgAAAF9mb3J3YXJkX2hvb2tzcRNoDilScRRYGgAAAF9mb3J3YXJkX2hvb2tzX3dpdGhfa3dhcmdzcRVoDilScRZYHAAAAF9mb3J3YXJkX2hvb2tzX2Fs\
        d2F5c19jYWxsZWRxF2gOKVJxGFgSAAAAX2ZvcndhcmRfcHJlX2hvb2tzcRloDilScRpYHgAAAF9mb3J3YXJkX3ByZV9ob29rc193aXRoX2t3YXJnc3Eb\
        aA4pUnEcWBEAAABfc3RhdGVfZGljdF9ob29rc3EdaA4pUnEeWBUAAABfc3RhdGVfZGljdF9wcmVfaG9va3NxH2gOKVJxIFgaAAAAX2xvYWRfc3RhdGVf\
        ZGljdF9wcmVfaG9va3NxIWgOKVJxIlgbAAAAX2xvYWRfc3RhdGVfZGljdF9wb3N0X2hvb2tzcSNoDilScSRYCAAAAF9tb2R1bGVzcSV9cSYoWAEAAAAw\
        cSdjdG9yY2gubm4ubW9kdWxlcy5saW5lYXIKTGluZWFyCnEoKYFxKX1xKihoA4hoBH1xKyhYBgAAAHdlaWdodHEsY3RvcmNoLl91dGlscwpfcmVidWls\
        ZF9wYXJhbWV0ZXIKcS1jdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxLigoWAcAAABzdG9yYWdlcS9jdG9yY2gKRmxvYXRTdG9yYWdlCnEw\
        WAEAAAAwcTFYAwAAAGNwdXEySwR0cTNRSwBLAksChnE0SwJLAYZxNYloDilScTZ0cTdScTiIaA4pUnE5h3E6UnE7WAQAAABiaWFzcTxoLWguKChoL2gw\
        WAEAAAAxcT1oMksCdHE+UUsASwKFcT9LAYVxQIloDilScUF0cUJScUOIaA4pUnFEh3FFUnFGdWgGfXFHaAhoCV1xSIVxSVJxSmgNaA4pUnFLaBBoDilS\
        cUxoEk5oE2gOKVJxTWgVaA4pUnFOaBdoDilScU9oGWgOKVJxUGgbaA4pUnFRaB1oDilScVJoH2gOKVJxU2ghaA4pUnFUaCNoDilScVVoJX1xVlgLAAAA\
        aW5fZmVhdHVyZXNxV0sCWAwAAABvdXRfZmVhdHVyZXNxWEsCdWJYAQAAADFxWWgoKYFxWn1xWyhoA4hoBH1xXChoLGg7aDxoLWguKChoL2gwWAEAAAAy\
        cV1oMksCdHFeUUsASwKFcV9LAYVxYIloDilScWF0cWJScWOIaA4pUnFkh3FlUnFmdWgGfXFnaAhoCV1xaIVxaVJxamgNaA4pUnFraBBoDilScWxoEk5o\
        E2gOKVJxbWgVaA4pUnFuaBdoDilScW9oGWgOKVJxcGgbaA4pUnFxaB1oDilScXJoH2gOKVJxc2ghaA4pUnF0aCNoDilScXVoJX1xdmhXSwJoWEsCdWJ1\
        dWIuUEsHCF2NIaszBQAAMwUAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAFwAIAGFyY2hpdmUvLmZvcm1hdF92ZXJzaW9uRkIEAFpaWloxUEsHCLfv\
        3IMBAAAAAQAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAGgA3AGFyY2hpdmUvLnN0b3JhZ2VfYWxpZ25tZW50RkIzAFpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjY0UEsHCD93cekCAAAAAgAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAEQA/AGFyY2hp\
        dmUvYnl0ZW9yZGVyRkI7AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpabGl0dGxlUEsHCIU9\
        4xkGAAAABgAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgA+AGFyY2hpdmUvZGF0YS8wRkI6AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWloAAODAAAAAwAAAoMAAAIDAUEsHCKQ/2xYQAAAAEAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAA\
        DgA0AGFyY2hpdmUvZGF0YS8xRkIwAFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWgAAgD4AAOA/UEsHCIcTm40I\
        AAAACAAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAADgA8AGFyY2hpdmUvZGF0YS8yRkI4AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAAAwQAAA4D9QSwcIXF6z0QgAAAAIAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAPADsAYXJjaGl2ZS92\
        ZXJzaW9uRkI3AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlozClBLBwjRnmdVAgAAAAIAAABQSwME\
        AAAICAAAAAAAAAAAAAAAAAAAAAAAAB4AMgBhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRGQi4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWjA4NDk0ODg4NDc5NjUwNDg3MzUwMDMzMTAzMzUwMjk2MTI4MjQ1MzBQSwcI70VWLigAAAAoAAAAUEsBAgAAAAAICAAA\
        AAAAAF2NIaszBQAAMwUAABAAAAAAAAAAAAAAAAAAAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECAAAAAAgIAAAAAAAAt+/cgwEAAAABAAAAFwAAAAAAAAAA\
        AAAAAACDBQAAYXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb25QSwECAAAAAAgIAAAAAAAAP3dx6QIAAAACAAAAGgAAAAAAAAAAAAAAAADRBQAAYXJjaGl2ZS8u\
        c3RvcmFnZV9hbGlnbm1lbnRQSwECAAAAAAgIAAAAAAAAhT3jGQYAAAAGAAAAEQAAAAAAAAAAAAAAAABSBgAAYXJjaGl2ZS9ieXRlb3JkZXJQSwECAAAA\
        AAgIAAAAAAAApD/bFhAAAAAQAAAADgAAAAAAAAAAAAAAAADWBgAAYXJjaGl2ZS9kYXRhLzBQSwECAAAAAAgIAAAAAAAAhxObjQgAAAAIAAAADgAAAAAA\
        AAAAAAAAAABgBwAAYXJjaGl2ZS9kYXRhLzFQSwECAAAAAAgIAAAAAAAAXF6z0QgAAAAIAAAADgAAAAAAAAAAAAAAAADYBwAAYXJjaGl2ZS9kYXRhLzJQ\
        SwECAAAAAAgIAAAAAAAA0Z5nVQIAAAACAAAADwAAAAAAAAAAAAAAAABYCAAAYXJjaGl2ZS92ZXJzaW9uUEsBAgAAAAAICAAAAAAAAO9FVi4oAAAAKAAA\
        AB4AAAAAAAAAAAAAAAAA0ggAAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZFBLBgYsAAAAAAAAAB4DLQAAAAAAAAAAAAkAAAAAAAAACQAAAAAA\
        AABHAgAAAAAAAHgJAAAAAAAAUEsGBwAAAAC/CwAAAAAAAAEAAABQSwUGAAAAAAkACQBHAgAAeAkAAAAA
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "0.weight", type: "float32", shape: [2, 2],
          values: [-7.0, -2.0, -5.0, -4.0]),
        .init(
          name: "0.bias", type: "float32", shape: [2],
          values: [0.25, 1.75]),
        .init(
          name: "1.weight", type: "float32", shape: [2, 2],
          values: [-7.0, -2.0, -5.0, -4.0]),
        .init(
          name: "1.bias", type: "float32", shape: [2],
          values: [2.75, 1.75]),
      ]),
    CheckpointFixture(
      name: "shared weights, legacy",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6\
        ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAihYBgAAAG1vZHVsZXEAY3RvcmNoLm5uLm1vZHVsZXMuY29u\
        dGFpbmVyClNlcXVlbnRpYWwKcQFYBwAAAGZpbGUucHlxAlgGAAAAc291cmNlcQN0cQRRKYFxBX1xBihYCAAAAHRyYWluaW5ncQeIWAsAAABfcGFyYW1l\
        dGVyc3EIfXEJWAgAAABfYnVmZmVyc3EKfXELWBsAAABfbm9uX3BlcnNpc3RlbnRfYnVmZmVyc19zZXRxDGNfX2J1aWx0aW5fXwpzZXQKcQ1dcQ6FcQ9S\
        cRBYEwAAAF9iYWNrd2FyZF9wcmVfaG9va3NxEWNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxEilScRNYDwAAAF9iYWNrd2FyZF9ob29rc3EUaBIpUnEV\
        WBYAAABfaXNfZnVsbF9iYWNrd2FyZF9ob29rcRZOWA4AAABfZm9yd2FyZF9ob29rc3EXaBIpUnEYWBoAAABfZm9yd2FyZF9ob29rc193aXRoX2t3YXJn\
        c3EZaBIpUnEaWBwAAABfZm9yd2FyZF9ob29rc19hbHdheXNfY2FsbGVkcRtoEilScRxYEgAAAF9mb3J3YXJkX3ByZV9ob29rc3EdaBIpUnEeWB4AAABf\
        Zm9yd2FyZF9wcmVfaG9va3Nfd2l0aF9rd2FyZ3NxH2gSKVJxIFgRAAAAX3N0YXRlX2RpY3RfaG9va3NxIWgSKVJxIlgVAAAAX3N0YXRlX2RpY3RfcHJl\
        X2hvb2tzcSNoEilScSRYGgAAAF9sb2FkX3N0YXRlX2RpY3RfcHJlX2hvb2tzcSVoEilScSZYGwAAAF9sb2FkX3N0YXRlX2RpY3RfcG9zdF9ob29rc3En\
        aBIpUnEoWAgAAABfbW9kdWxlc3EpfXEqKFgBAAAAMHErKGgAY3RvcmNoLm5uLm1vZHVsZXMubGluZWFyCkxpbmVhcgpxLGgCaAN0cS1RKYFxLn1xLyho\
        B4hoCH1xMChYBgAAAHdlaWdodHExY3RvcmNoLl91dGlscwpfcmVidWlsZF9wYXJhbWV0ZXIKcTJjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92\
        MgpxMygoWAcAAABzdG9yYWdlcTRjdG9yY2gKRmxvYXRTdG9yYWdlCnE1WA4AAAA5NDIxNzI2MzE1NjY0MHE2WAMAAABjcHVxN0sETnRxOFFLAEsCSwKG\
        cTlLAksBhnE6iWgSKVJxO3RxPFJxPYhoEilScT6HcT9ScUBYBAAAAGJpYXNxQWgyaDMoKGg0aDVYDgAAADk0MjE3MjYzMTY3OTY4cUJoN0sCTnRxQ1FL\
        AEsChXFESwGFcUWJaBIpUnFGdHFHUnFIiGgSKVJxSYdxSlJxS3VoCn1xTGgMaA1dcU2FcU5ScU9oEWgSKVJxUGgUaBIpUnFRaBZOaBdoEilScVJoGWgS\
        KVJxU2gbaBIpUnFUaB1oEilScVVoH2gSKVJxVmghaBIpUnFXaCNoEilScVhoJWgSKVJxWWgnaBIpUnFaaCl9cVtYCwAAAGluX2ZlYXR1cmVzcVxLAlgM\
        AAAAb3V0X2ZlYXR1cmVzcV1LAnViWAEAAAAxcV5oLCmBcV99cWAoaAeIaAh9cWEoaDFoQGhBaDJoMygoaDRoNVgOAAAAOTQyMTcyNjMxNjI1OTJxYmg3\
        SwJOdHFjUUsASwKFcWRLAYVxZYloEilScWZ0cWdScWiIaBIpUnFph3FqUnFrdWgKfXFsaAxoDV1xbYVxblJxb2gRaBIpUnFwaBRoEilScXFoFk5oF2gS\
        KVJxcmgZaBIpUnFzaBtoEilScXRoHWgSKVJxdWgfaBIpUnF2aCFoEilScXdoI2gSKVJxeGglaBIpUnF5aCdoEilScXpoKX1xe2hcSwJoXUsCdWJ1dWIu\
        gAJdcQAoWA4AAAA5NDIxNzI2MzE1NjY0MHEBWA4AAAA5NDIxNzI2MzE2MjU5MnECWA4AAAA5NDIxNzI2MzE2Nzk2OHEDZS4EAAAAAAAAAAAA4MAAAADA\
        AACgwAAAgMACAAAAAAAAAAAAMEAAAOA/AgAAAAAAAAAAAIA+AADgPw==
        """,
      path: [], skipped: [],
      parameters: [
        .init(
          name: "0.weight", type: "float32", shape: [2, 2],
          values: [-7.0, -2.0, -5.0, -4.0]),
        .init(
          name: "0.bias", type: "float32", shape: [2],
          values: [0.25, 1.75]),
        .init(
          name: "1.weight", type: "float32", shape: [2, 2],
          values: [-7.0, -2.0, -5.0, -4.0]),
        .init(
          name: "1.bias", type: "float32", shape: [2],
          values: [2.75, 1.75]),
      ]),
  ]

  /// Files in base 64 that must not be read, and what the error must say.
  static let refused: [RefusedCheckpoint] = [
    RefusedCheckpoint(
      name: "os.system, zip, protocol 0",
      file: """
        UEsDBBQAAAAAAGczdV1SNnlqRQAAAEUAAAAQAAAAYXJjaGl2ZS9kYXRhLnBrbChkcDAKVnN0YXRlX2RpY3QKcDEKKGRwMgpWYQpwMwpjcG9zaXgKc3lz\
        dGVtCnA0CihWdHJ1ZQpwNQp0cDYKUnA3CnNzLlBLAwQUAAAAAABnM3Vd0Z5nVQIAAAACAAAADwAAAGFyY2hpdmUvdmVyc2lvbjMKUEsBAhQDFAAAAAAA\
        ZzN1XVI2eWpFAAAARQAAABAAAAAAAAAAAAAAAIABAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECFAMUAAAAAABnM3Vd0Z5nVQIAAAACAAAADwAAAAAAAAAA\
        AAAAgAFzAAAAYXJjaGl2ZS92ZXJzaW9uUEsFBgAAAAACAAIAewAAAKIAAAAAAA==
        """,
      reason: "asks to run posix.system"),
    RefusedCheckpoint(
      name: "os.system, zip, protocol 2",
      file: """
        UEsDBBQAAAAAAGczdV13IH9GRQAAAEUAAAAQAAAAYXJjaGl2ZS9kYXRhLnBrbIACfXEAWAoAAABzdGF0ZV9kaWN0cQF9cQJYAQAAAGFxA2Nwb3NpeApz\
        eXN0ZW0KcQRYBAAAAHRydWVxBYVxBlJxB3NzLlBLAwQUAAAAAABnM3Vd0Z5nVQIAAAACAAAADwAAAGFyY2hpdmUvdmVyc2lvbjMKUEsBAhQDFAAAAAAA\
        ZzN1XXcgf0ZFAAAARQAAABAAAAAAAAAAAAAAAIABAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECFAMUAAAAAABnM3Vd0Z5nVQIAAAACAAAADwAAAAAAAAAA\
        AAAAgAFzAAAAYXJjaGl2ZS92ZXJzaW9uUEsFBgAAAAACAAIAewAAAKIAAAAAAA==
        """,
      reason: "asks to run posix.system"),
    RefusedCheckpoint(
      name: "os.system, zip, protocol 4",
      file: """
        UEsDBBQAAAAAAGczdV04joEAQQAAAEEAAAAQAAAAYXJjaGl2ZS9kYXRhLnBrbIAElTYAAAAAAAAAfZSMCnN0YXRlX2RpY3SUfZSMAWGUjAVwb3NpeJSM\
        BnN5c3RlbZSTlIwEdHJ1ZZSFlFKUc3MuUEsDBBQAAAAAAGczdV3RnmdVAgAAAAIAAAAPAAAAYXJjaGl2ZS92ZXJzaW9uMwpQSwECFAMUAAAAAABnM3Vd\
        OI6BAEEAAABBAAAAEAAAAAAAAAAAAAAAgAEAAAAAYXJjaGl2ZS9kYXRhLnBrbFBLAQIUAxQAAAAAAGczdV3RnmdVAgAAAAIAAAAPAAAAAAAAAAAAAACA\
        AW8AAABhcmNoaXZlL3ZlcnNpb25QSwUGAAAAAAIAAgB7AAAAngAAAAAA
        """,
      reason: "asks to run posix.system"),
    RefusedCheckpoint(
      name: "os.system, legacy, protocol 0",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAuKGRwMApWc3RhdGVfZGljdApwMQooZHAyClZhCnAzCmNwb3NpeApzeXN0ZW0KcDQKKFZ0cnVlCnA1CnRw\
        NgpScDcKc3MugAJdcQAu
        """,
      reason: "asks to run posix.system"),
    RefusedCheckpoint(
      name: "os.system, legacy, protocol 2",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAugAJ9cQBYCgAAAHN0YXRlX2RpY3RxAX1xAlgBAAAAYXEDY3Bvc2l4CnN5c3RlbQpxBFgEAAAAdHJ1ZXEF\
        hXEGUnEHc3MugAJdcQAu
        """,
      reason: "asks to run posix.system"),
    RefusedCheckpoint(
      name: "os.system, legacy, protocol 4",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAugASVNgAAAAAAAAB9lIwKc3RhdGVfZGljdJR9lIwBYZSMBXBvc2l4lIwGc3lzdGVtlJOUjAR0cnVllIWU\
        UpRzcy6AAl1xAC4=
        """,
      reason: "asks to run posix.system"),
    RefusedCheckpoint(
      name: "os.system as the first pickle",
      file: """
        gAJ9cQBYCgAAAHN0YXRlX2RpY3RxAX1xAlgBAAAAYXEDY3Bvc2l4CnN5c3RlbQpxBFgEAAAAdHJ1ZXEFhXEGUnEHc3Mu
        """,
      reason: "asks to run posix.system"),
    RefusedCheckpoint(
      name: "eval",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAugAJjX19idWlsdGluX18KZXZhbApxAFgBAAAAMXEBhXECUnEDLoACXXEALg==
        """,
      reason: "asks to run __builtin__.eval"),
    RefusedCheckpoint(
      name: "__import__",
      file: """
        UEsDBBQAAAAAAGczdV1x6J1eLwAAAC8AAAAQAAAAYXJjaGl2ZS9kYXRhLnBrbIAElSQAAAAAAAAAjAhidWlsdGluc5SMCl9faW1wb3J0X1+Uk5SMAm9z\
        lIWUUpQuUEsDBBQAAAAAAGczdV3RnmdVAgAAAAIAAAAPAAAAYXJjaGl2ZS92ZXJzaW9uMwpQSwECFAMUAAAAAABnM3VdceidXi8AAAAvAAAAEAAAAAAA\
        AAAAAAAAgAEAAAAAYXJjaGl2ZS9kYXRhLnBrbFBLAQIUAxQAAAAAAGczdV3RnmdVAgAAAAIAAAAPAAAAAAAAAAAAAACAAV0AAABhcmNoaXZlL3ZlcnNp\
        b25QSwUGAAAAAAIAAgB7AAAAjAAAAAAA
        """,
      reason: "asks to run builtins.__import__"),
    RefusedCheckpoint(
      name: "getattr",
      file: """
        UEsDBBQAAAAAAGczdV048ALZMAAAADAAAAAQAAAAYXJjaGl2ZS9kYXRhLnBrbIAElSUAAAAAAAAAjAhidWlsdGluc5SMB2dldGF0dHKUk5RLAYwEcmVh\
        bJSGlFKULlBLAwQUAAAAAABnM3Vd0Z5nVQIAAAACAAAADwAAAGFyY2hpdmUvdmVyc2lvbjMKUEsBAhQDFAAAAAAAZzN1XTjwAtkwAAAAMAAAABAAAAAA\
        AAAAAAAAAIABAAAAAGFyY2hpdmUvZGF0YS5wa2xQSwECFAMUAAAAAABnM3Vd0Z5nVQIAAAACAAAADwAAAAAAAAAAAAAAgAFeAAAAYXJjaGl2ZS92ZXJz\
        aW9uUEsFBgAAAAACAAIAewAAAI0AAAAAAA==
        """,
      reason: "asks to run builtins.getattr"),
    RefusedCheckpoint(
      name: "os.system by INST",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAuKFMndHJ1ZScKaW9zCnN5c3RlbQougAJdcQAu
        """,
      reason: "asks to run os.system"),
    RefusedCheckpoint(
      name: "protocol 0",
      file: """
        TDExOTU0NzAzNzE0NjAzODgwMTMzMzM1NkwKLkkxMDAxCi4oZHAwClZwcm90b2NvbF92ZXJzaW9uCnAxCkkxMDAxCnNWbGl0dGxlX2VuZGlhbgpwMgpJ\
        MDEKc1Z0eXBlX3NpemVzCnAzCihkcDQKVnNob3J0CnA1CkkyCnNWaW50CnA2Ckk0CnNWbG9uZwpwNwpJNApzcy5jY29sbGVjdGlvbnMKT3JkZXJlZERp\
        Y3QKcDAKKHRScDEKVndlaWdodApwMgpjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpwMwooUCgnc3RvcmFnZScsIDxjbGFzcyAndG9yY2gu\
        RmxvYXRTdG9yYWdlJz4sICc5NDIxNzI2Mjk5NzI0OCcsICdjcHUnLCA2LCBOb25lKQpJMAooSTIKSTMKdHA0CihJMwpJMQp0cDUKSTAwCmcwCih0UnA2\
        CnRwNwpScDgKc1ZiaWFzCnA5CmczCihQKCdzdG9yYWdlJywgPGNsYXNzICd0b3JjaC5GbG9hdFN0b3JhZ2UnPiwgJzk0MjE3MjYzMDA1NTM2JywgJ2Nw\
        dScsIDIsIE5vbmUpCkkwCihJMgp0cDEwCihJMQp0cDExCkkwMApnMAoodFJwMTIKdHAxMwpScDE0CnMuKGxwMApWOTQyMTcyNjI5OTcyNDgKcDEKYVY5\
        NDIxNzI2MzAwNTUzNgpwMgphLgYAAAAAAAAAAAAAAAAAgD4AAAA/AABAPwAAgD8AAKA/AgAAAAAAAAAAAEDAAAAwwA==
        """,
      reason: "a checkpoint in pickle protocol 0"),
    RefusedCheckpoint(
      name: "no tensors",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACfXEAWAUAAABlcG9jaHEBSwFzLlBL\
        BwjM5UuCFQAAABUAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABcAJgBhcmNoaXZlLy5mb3JtYXRfdmVyc2lvbkZCIgBaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaMVBLBwi379yDAQAAAAEAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABoANwBhcmNoaXZlLy5zdG9yYWdlX2FsaWdu\
        bWVudEZCMwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo2NFBLBwg/d3HpAgAAAAIAAABQSwMEAAAICAAA\
        AAAAAAAAAAAAAAAAAAAAABEAPwBhcmNoaXZlL2J5dGVvcmRlckZCOwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWmxpdHRsZVBLBwiFPeMZBgAAAAYAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA8APQBhcmNoaXZlL3ZlcnNpb25GQjkAWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaMwpQSwcI0Z5nVQIAAAACAAAAUEsDBAAACAgAAAAAAAAA\
        AAAAAAAAAAAAAAAeADIAYXJjaGl2ZS8uZGF0YS9zZXJpYWxpemF0aW9uX2lkRkIuAFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlowMjkwODQ2ODY3Nzc2MjkyMzEwNDAwMDgzODY0ODM5ODUzMjY5NTIzUEsHCNSgvfgoAAAAKAAAAFBLAQIAAAAACAgAAAAAAADM5UuCFQAA\
        ABUAAAAQAAAAAAAAAAAAAAAAAAAAAABhcmNoaXZlL2RhdGEucGtsUEsBAgAAAAAICAAAAAAAALfv3IMBAAAAAQAAABcAAAAAAAAAAAAAAAAAZQAAAGFy\
        Y2hpdmUvLmZvcm1hdF92ZXJzaW9uUEsBAgAAAAAICAAAAAAAAD93cekCAAAAAgAAABoAAAAAAAAAAAAAAAAA0QAAAGFyY2hpdmUvLnN0b3JhZ2VfYWxp\
        Z25tZW50UEsBAgAAAAAICAAAAAAAAIU94xkGAAAABgAAABEAAAAAAAAAAAAAAAAAUgEAAGFyY2hpdmUvYnl0ZW9yZGVyUEsBAgAAAAAICAAAAAAAANGe\
        Z1UCAAAAAgAAAA8AAAAAAAAAAAAAAAAA1gEAAGFyY2hpdmUvdmVyc2lvblBLAQIAAAAACAgAAAAAAADUoL34KAAAACgAAAAeAAAAAAAAAAAAAAAAAFIC\
        AABhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRQSwYGLAAAAAAAAAAeAy0AAAAAAAAAAAAGAAAAAAAAAAYAAAAAAAAAkwEAAAAAAAD4AgAAAAAA\
        AFBLBgcAAAAAiwQAAAAAAAABAAAAUEsFBgAAAAAGAAYAkwEAAPgCAAAAAA==
        """,
      reason: "holds no tensors"),
    RefusedCheckpoint(
      name: "complex numbers only",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACfXEAWAEAAABhcQFjdG9yY2guX3V0\
        aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxAigoWAcAAABzdG9yYWdlcQNjdG9yY2gKQ29tcGxleEZsb2F0U3RvcmFnZQpxBFgBAAAAMHEFWAMAAABjcHVx\
        BksBdHEHUUsASwGFcQhLAYVxCYljY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQopUnELdHEMUnENcy5QSwcIpneWdakAAACpAAAAUEsDBAAACAgAAAAA\
        AAAAAAAAAAAAAAAAAAAXABIAYXJjaGl2ZS8uZm9ybWF0X3ZlcnNpb25GQg4AWlpaWlpaWlpaWlpaWloxUEsHCLfv3IMBAAAAAQAAAFBLAwQAAAgIAAAA\
        AAAAAAAAAAAAAAAAAAAAGgA3AGFyY2hpdmUvLnN0b3JhZ2VfYWxpZ25tZW50RkIzAFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWjY0UEsHCD93cekCAAAAAgAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAEQA/AGFyY2hpdmUvYnl0ZW9yZGVyRkI7AFpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpabGl0dGxlUEsHCIU94xkGAAAABgAAAFBLAwQAAAgIAAAA\
        AAAAAAAAAAAAAAAAAAAADgA+AGFyY2hpdmUvZGF0YS8wRkI6AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWloAAAAAAACAP1BLBwgfasfoCAAAAAgAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA8AOwBhcmNoaXZlL3ZlcnNpb25GQjcAWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjMKUEsHCNGeZ1UCAAAAAgAAAFBLAwQAAAgIAAAAAAAAAAAAAAAA\
        AAAAAAAAHgAyAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZEZCLgBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaMTU3MjgxOTk1MTE4NTQ2NDMwMjYwNTIyMzUzODkxMjg5MzgzMTE2OVBLBwgQAXd5KAAAACgAAABQSwECAAAAAAgIAAAAAAAApneWdakAAACpAAAA\
        EAAAAAAAAAAAAAAAAAAAAAAAYXJjaGl2ZS9kYXRhLnBrbFBLAQIAAAAACAgAAAAAAAC379yDAQAAAAEAAAAXAAAAAAAAAAAAAAAAAPkAAABhcmNoaXZl\
        Ly5mb3JtYXRfdmVyc2lvblBLAQIAAAAACAgAAAAAAAA/d3HpAgAAAAIAAAAaAAAAAAAAAAAAAAAAAFEBAABhcmNoaXZlLy5zdG9yYWdlX2FsaWdubWVu\
        dFBLAQIAAAAACAgAAAAAAACFPeMZBgAAAAYAAAARAAAAAAAAAAAAAAAAANIBAABhcmNoaXZlL2J5dGVvcmRlclBLAQIAAAAACAgAAAAAAAAfasfoCAAA\
        AAgAAAAOAAAAAAAAAAAAAAAAAFYCAABhcmNoaXZlL2RhdGEvMFBLAQIAAAAACAgAAAAAAADRnmdVAgAAAAIAAAAPAAAAAAAAAAAAAAAAANgCAABhcmNo\
        aXZlL3ZlcnNpb25QSwECAAAAAAgIAAAAAAAAEAF3eSgAAAAoAAAAHgAAAAAAAAAAAAAAAABSAwAAYXJjaGl2ZS8uZGF0YS9zZXJpYWxpemF0aW9uX2lk\
        UEsGBiwAAAAAAAAAHgMtAAAAAAAAAAAABwAAAAAAAAAHAAAAAAAAAM8BAAAAAAAA+AMAAAAAAABQSwYHAAAAAMcFAAAAAAAAAQAAAFBLBQYAAAAABwAH\
        AM8BAAD4AwAAAAA=
        """,
      reason: "can be read: 'a' holds complex64"),
    RefusedCheckpoint(
      name: "a dictionary that holds itself",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACfXEAWAEAAABhcQFoAHMuUEsHCARe\
        gXQRAAAAEQAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAFwAqAGFyY2hpdmUvLmZvcm1hdF92ZXJzaW9uRkImAFpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaMVBLBwi379yDAQAAAAEAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAABoANwBhcmNoaXZlLy5zdG9yYWdlX2FsaWdu\
        bWVudEZCMwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo2NFBLBwg/d3HpAgAAAAIAAABQSwMEAAAICAAA\
        AAAAAAAAAAAAAAAAAAAAABEAPwBhcmNoaXZlL2J5dGVvcmRlckZCOwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWmxpdHRsZVBLBwiFPeMZBgAAAAYAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA8APQBhcmNoaXZlL3ZlcnNpb25GQjkAWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaMwpQSwcI0Z5nVQIAAAACAAAAUEsDBAAACAgAAAAAAAAA\
        AAAAAAAAAAAAAAAeADIAYXJjaGl2ZS8uZGF0YS9zZXJpYWxpemF0aW9uX2lkRkIuAFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlowMjkwODQ2ODY3Nzc2MjkyMzEwNDAwMDc5NzAyNTczMDk4NTkxNzM5UEsHCGT8rLEoAAAAKAAAAFBLAQIAAAAACAgAAAAAAAAEXoF0EQAA\
        ABEAAAAQAAAAAAAAAAAAAAAAAAAAAABhcmNoaXZlL2RhdGEucGtsUEsBAgAAAAAICAAAAAAAALfv3IMBAAAAAQAAABcAAAAAAAAAAAAAAAAAYQAAAGFy\
        Y2hpdmUvLmZvcm1hdF92ZXJzaW9uUEsBAgAAAAAICAAAAAAAAD93cekCAAAAAgAAABoAAAAAAAAAAAAAAAAA0QAAAGFyY2hpdmUvLnN0b3JhZ2VfYWxp\
        Z25tZW50UEsBAgAAAAAICAAAAAAAAIU94xkGAAAABgAAABEAAAAAAAAAAAAAAAAAUgEAAGFyY2hpdmUvYnl0ZW9yZGVyUEsBAgAAAAAICAAAAAAAANGe\
        Z1UCAAAAAgAAAA8AAAAAAAAAAAAAAAAA1gEAAGFyY2hpdmUvdmVyc2lvblBLAQIAAAAACAgAAAAAAABk/KyxKAAAACgAAAAeAAAAAAAAAAAAAAAAAFIC\
        AABhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRQSwYGLAAAAAAAAAAeAy0AAAAAAAAAAAAGAAAAAAAAAAYAAAAAAAAAkwEAAAAAAAD4AgAAAAAA\
        AFBLBgcAAAAAiwQAAAAAAAABAAAAUEsFBgAAAAAGAAYAkwEAAPgCAAAAAA==
        """,
      reason: "inside each other"),
    RefusedCheckpoint(
      name: "a doubling dictionary",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACfXEAKFgBAAAAYXEBfXECKGgBfXED\
        KGgBfXEEKGgBfXEFKGgBfXEGKGgBfXEHKGgBfXEIKGgBfXEJKGgBfXEKKGgBfXELKGgBfXEMKGgBfXENKGgBfXEOKGgBfXEPKGgBfXEQKGgBfXERKGgB\
        fXESKGgBfXETKGgBfXEUKGgBfXEVKGgBfXEWKGgBfXEXKGgBfXEYKGgBfXEZKGgBfXEaKGgBfXEbKGgBfXEcKGgBfXEdKGgBfXEeKGgBfXEfKGgBfXEg\
        KGgBfXEhKGgBfXEiKGgBfXEjKGgBfXEkKGgBfXElKGgBfXEmKGgBfXEnKGgBfXEoKGgBfXEpKGgBfXEqKGgBfXErKGgBfXEsKGgBfXEtKGgBfXEuKGgB\
        fXEvKGgBfXEwKGgBfXExKGgBfXEyKGgBfXEzKGgBfXE0KGgBfXE1KGgBfXE2KGgBfXE3KGgBfXE4KGgBfXE5KGgBfXE6KGgBfXE7KGgBfXE8KGgBfXE9\
        WAEAAABicT5oPXVoPmg8dWg+aDt1aD5oOnVoPmg5dWg+aDh1aD5oN3VoPmg2dWg+aDV1aD5oNHVoPmgzdWg+aDJ1aD5oMXVoPmgwdWg+aC91aD5oLnVo\
        PmgtdWg+aCx1aD5oK3VoPmgqdWg+aCl1aD5oKHVoPmgndWg+aCZ1aD5oJXVoPmgkdWg+aCN1aD5oInVoPmghdWg+aCB1aD5oH3VoPmgedWg+aB11aD5o\
        HHVoPmgbdWg+aBp1aD5oGXVoPmgYdWg+aBd1aD5oFnVoPmgVdWg+aBR1aD5oE3VoPmgSdWg+aBF1aD5oEHVoPmgPdWg+aA51aD5oDXVoPmgMdWg+aAt1\
        aD5oCnVoPmgJdWg+aAh1aD5oB3VoPmgGdWg+aAV1aD5oBHVoPmgDdWg+aAJ1LlBLBwgIoTdYpgIAAKYCAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAA\
        ABcAFQBhcmNoaXZlLy5mb3JtYXRfdmVyc2lvbkZCEQBaWlpaWlpaWlpaWlpaWlpaWjFQSwcIt+/cgwEAAAABAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAA\
        AAAAAAAaADcAYXJjaGl2ZS8uc3RvcmFnZV9hbGlnbm1lbnRGQjMAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaNjRQSwcIP3dx6QIAAAACAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAARAD8AYXJjaGl2ZS9ieXRlb3JkZXJGQjsAWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpsaXR0bGVQSwcIhT3jGQYAAAAGAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAA\
        AAAAAAAPAD0AYXJjaGl2ZS92ZXJzaW9uRkI5AFpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWjMK\
        UEsHCNGeZ1UCAAAAAgAAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAHgAyAGFyY2hpdmUvLmRhdGEvc2VyaWFsaXphdGlvbl9pZEZCLgBaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaMDI5MDg0Njg2Nzc3NjI5MjMxMDQwMDA3MDU0ODUxMTY3MjI0NDEzMFBLBwizRBhm\
        KAAAACgAAABQSwECAAAAAAgIAAAAAAAACKE3WKYCAACmAgAAEAAAAAAAAAAAAAAAAAAAAAAAYXJjaGl2ZS9kYXRhLnBrbFBLAQIAAAAACAgAAAAAAAC3\
        79yDAQAAAAEAAAAXAAAAAAAAAAAAAAAAAPYCAABhcmNoaXZlLy5mb3JtYXRfdmVyc2lvblBLAQIAAAAACAgAAAAAAAA/d3HpAgAAAAIAAAAaAAAAAAAA\
        AAAAAAAAAFEDAABhcmNoaXZlLy5zdG9yYWdlX2FsaWdubWVudFBLAQIAAAAACAgAAAAAAACFPeMZBgAAAAYAAAARAAAAAAAAAAAAAAAAANIDAABhcmNo\
        aXZlL2J5dGVvcmRlclBLAQIAAAAACAgAAAAAAADRnmdVAgAAAAIAAAAPAAAAAAAAAAAAAAAAAFYEAABhcmNoaXZlL3ZlcnNpb25QSwECAAAAAAgIAAAA\
        AAAAs0QYZigAAAAoAAAAHgAAAAAAAAAAAAAAAADSBAAAYXJjaGl2ZS8uZGF0YS9zZXJpYWxpemF0aW9uX2lkUEsGBiwAAAAAAAAAHgMtAAAAAAAAAAAA\
        BgAAAAAAAAAGAAAAAAAAAJMBAAAAAAAAeAUAAAAAAABQSwYHAAAAAAsHAAAAAAAAAQAAAFBLBQYAAAAABgAGAJMBAAB4BQAAAAA=
        """,
      reason: "the values under names"),
    RefusedCheckpoint(
      name: "an extension",
      file: """
        gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAugAKCAS6AAl1xAC4=
        """,
      reason: "outside the file"),
    RefusedCheckpoint(
      name: "a plain pickle",
      file: """
        gAJ9cQBYAQAAAGFxAUsBcy4=
        """,
      reason: "is no PyTorch checkpoint"),
    RefusedCheckpoint(
      name: "a text",
      file: """
        d2VpZ2h0czogMQo=
        """,
      reason: "is no PyTorch checkpoint"),
    RefusedCheckpoint(
      name: "nothing",
      file: """

        """,
      reason: "is no PyTorch checkpoint"),
    RefusedCheckpoint(
      name: "TorchScript",
      file: """
        UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAQABIAYXJjaGl2ZS9kYXRhLnBrbEZCDgBaWlpaWlpaWlpaWlpaWoACY19fdG9yY2hfXy50b3JjaC5ubi5t\
        b2R1bGVzLmFjdGl2YXRpb24KUmVMVQpxACmBfShYCAAAAHRyYWluaW5ncQGIWBYAAABfaXNfZnVsbF9iYWNrd2FyZF9ob29rcQJOdWJxAy5QSwcIQIkY\
        52cAAABnAAAAUEsDBBQACAgIAAAAAAAAAAAAAAAAAAAAAAA1ADYAYXJjaGl2ZS9jb2RlL19fdG9yY2hfXy90b3JjaC9ubi9tb2R1bGVzL2FjdGl2YXRp\
        b24ucHlGQjIAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlptjzFPAzEMhff+Co930hExnwRjJ2BAZaqqyJdz\
        aFTXOTkJiH9PElgqdUr0nt/3bMeYErzTy8fwGtfCNM47AGs3VLxSJk3WwhMcT11divc3UlYMEuQTZlhi5DYUkvWF2S7oLt+oqz3HeKn+WxQ6/GxUZ4Js\
        jI6quA+CfGzRU0XukVPzV/Lgo7b0kIj9XKtzVHe21vTXiJhrXzcZdDl8YQ5RTDtjqvneUPIMB5IUdYSH5//v3F37WMvuIH0R10DIRonL0CnT31oTjD2r\
        lItKRex+AVBLBwiRnAp30QAAADsBAABQSwMEFAAICAgAAAAAAAAAAAAAAAAAAAAAAD8AQgBhcmNoaXZlL2NvZGUvX190b3JjaF9fL3RvcmNoL25uL21v\
        ZHVsZXMvYWN0aXZhdGlvbi5weS5kZWJ1Z19wa2xGQj4AWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpNTs1Kw0AQ3tTWn+gDeBAMxUMKNmvpraBQwWpZoxAD5iIhTbZm7Xazf6kUPHjLQR/A1/TqySTU2mGG+fm+b2beG8EhAGB077lDP3wc+zfh\
        g++N765Df3h5eyWAHZQwEEZwViartARPrWkmXyOZ2ArT6alFGM/1wPIxU5nsWN2LVTkwRSM4WMkqa7fbptgKjjdGXs6UpVP8t9LikVKOKZpBf4Mlsc4l\
        s0aOxDS363v1WRrF+Lx6wlk1HVO0glGphHrOIcdYKkjJBPKlTjPWd3o9qIjGXR7Fs+gZK6gzGaeQMTjPkpyWgyjWZBFpkjGHL8W2Fjs2AnFNc16IdkJO\
        4hnF5iQnNAkJ05QobYpd+8nG2kMAgULs1any77QCkIEaaKuMJgIVqYU+CmGiBXorkFGgn3QtcI+MdA24J1Xzib4K1CjczibSNf41WuwXzi9QSwcIFtvy\
        OE0BAADIAQAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAAtABgAYXJjaGl2ZS9jb2RlL19fdG9yY2hfXy90b3JjaC9ubi9mdW5jdGlvbmFsLnB5RkIU\
        AFpaWlpaWlpaWlpaWlpaWlpaWlpaZGVmIHJlbHUoaW5wdXQ6IFRlbnNvciwKICAgIGlucGxhY2U6IGJvb2w9RmFsc2UpIC0+IFRlbnNvcjoKICBpZiBp\
        bnBsYWNlOgogICAgcmVzdWx0ID0gdG9yY2gucmVsdV8oaW5wdXQpCiAgZWxzZToKICAgIHJlc3VsdCA9IHRvcmNoLnJlbHUoaW5wdXQpCiAgcmV0dXJu\
        IHJlc3VsdApQSwcIJCzJ8qEAAAChAAAAUEsDBBQACAgIAAAAAAAAAAAAAAAAAAAAAAA3ADoAYXJjaGl2ZS9jb2RlL19fdG9yY2hfXy90b3JjaC9ubi9m\
        dW5jdGlvbmFsLnB5LmRlYnVnX3BrbEZCNgBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlp9UU1v00AQ\
        tfPVdPtBaTlwXAUOjtTYqrhZtFKQKFRbg5QGdS/IdZwJXrpZe71roVygN1/hN3DmxB/ip7BJnPTj0NVKo9mZ92be25safW5Z1unHQdAfhpdnw/fhxXBw\
        9uFdOOy/OX8rLYeasiVt6pswhgnOgRcOE1mhfTwEodL8EJuURzH4eJSmHB/j04gr6OLeSdXhI1mjPUOAzck7nc4tyRp8/BCEZJ3aBoNkg/YrbD/LOAOF\
        dQJmkVizCYMx5kxAlONCMI0nhTDPqcDAYQpC974xBS6+AECySd2Kx495pJR/9V2neZy4QrgDOP90hSdpjqdpDngMOmJcuUi2aLsCmb2R3KBOlbIJTiIV\
        LhjC1diwEFE+W0rrGtltGlTtC+mgi1wYmBhzeIB05p4c4sqV7sKXu/ZUsYvkJt27XWFlPZKIvrw3ShVcm79YKpyTh9VaSG5RVLWC8dxgt+mLx7Fr6A7d\
        X/3jUsyyGcldemIKnp5mXgaQK4+zkZfNdJKKV+7RkaeYhl4WxdfRF1DegtkTwlvJj7ibzeQTLfccYsXLwV+ZdsOMxdcc0KhgfBwyoTlTZtpT57MDekAs\
        YpVyfxHm93UyLxCb1EidNEiTtMgGaZNNgsgW2SY7xJqDdoN/rVIeBNQO/tolqZfkMjkICju4MVmjJCy5W/thst928MdkzZL8vFf7laxna/msdP8DUEsH\
        CI6ZGUgOAgAATwMAAFBLAwQAAAgIAAAAAAAAAAAAAAAAAAAAAAAAFQAvAGFyY2hpdmUvY29uc3RhbnRzLnBrbEZCKwBaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpagAIpLlBLBwhtLwlXBAAAAAQAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAA8APwBhcmNoaXZlL3ZlcnNp\
        b25GQjsAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlozClBLBwjRnmdVAgAAAAIAAABQSwME\
        AAAICAAAAAAAAAAAAAAAAAAAAAAAABEAPwBhcmNoaXZlL2J5dGVvcmRlckZCOwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\
        WlpaWlpaWlpaWlpaWlpaWlpaWmxpdHRsZVBLBwiFPeMZBgAAAAYAAABQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAB4ALgBhcmNoaXZlLy5kYXRhL3Nl\
        cmlhbGl6YXRpb25faWRGQioAWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaMDcwNTgwNjc3NzE1ODM3ODg1NDYxNTYxNjk0\
        MjEwOTM4NDg4NzIxNlBLBwiBJ/8VKAAAACgAAABQSwECAAAAAAgIAAAAAAAAQIkY52cAAABnAAAAEAAAAAAAAAAAAAAAAAAAAAAAYXJjaGl2ZS9kYXRh\
        LnBrbFBLAQIAABQACAgIAAAAAACRnAp30QAAADsBAAA1AAAAAAAAAAAAAAAAALcAAABhcmNoaXZlL2NvZGUvX190b3JjaF9fL3RvcmNoL25uL21vZHVs\
        ZXMvYWN0aXZhdGlvbi5weVBLAQIAABQACAgIAAAAAAAW2/I4TQEAAMgBAAA/AAAAAAAAAAAAAAAAACECAABhcmNoaXZlL2NvZGUvX190b3JjaF9fL3Rv\
        cmNoL25uL21vZHVsZXMvYWN0aXZhdGlvbi5weS5kZWJ1Z19wa2xQSwECAAAAAAgIAAAAAAAAJCzJ8qEAAAChAAAALQAAAAAAAAAAAAAAAAAdBAAAYXJj\
        aGl2ZS9jb2RlL19fdG9yY2hfXy90b3JjaC9ubi9mdW5jdGlvbmFsLnB5UEsBAgAAFAAICAgAAAAAAI6ZGUgOAgAATwMAADcAAAAAAAAAAAAAAAAAMQUA\
        AGFyY2hpdmUvY29kZS9fX3RvcmNoX18vdG9yY2gvbm4vZnVuY3Rpb25hbC5weS5kZWJ1Z19wa2xQSwECAAAAAAgIAAAAAAAAbS8JVwQAAAAEAAAAFQAA\
        AAAAAAAAAAAAAADeBwAAYXJjaGl2ZS9jb25zdGFudHMucGtsUEsBAgAAAAAICAAAAAAAANGeZ1UCAAAAAgAAAA8AAAAAAAAAAAAAAAAAVAgAAGFyY2hp\
        dmUvdmVyc2lvblBLAQIAAAAACAgAAAAAAACFPeMZBgAAAAYAAAARAAAAAAAAAAAAAAAAANIIAABhcmNoaXZlL2J5dGVvcmRlclBLAQIAAAAACAgAAAAA\
        AACBJ/8VKAAAACgAAAAeAAAAAAAAAAAAAAAAAFYJAABhcmNoaXZlLy5kYXRhL3NlcmlhbGl6YXRpb25faWRQSwYGLAAAAAAAAAAeAy0AAAAAAAAAAAAJ\
        AAAAAAAAAAkAAAAAAAAA2QIAAAAAAAD4CQAAAAAAAFBLBgcAAAAA0QwAAAAAAAABAAAAUEsFBgAAAAAJAAkA2QIAAPgJAAAAAA==
        """,
      reason: "TorchScript"),
  ]
}

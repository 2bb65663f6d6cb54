mock_provider "huaweicloud" {}

variables {
  project_id            = "0123456789abcdef0123456789abcdef"
  vpc_id                = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a01"
  subnet_id             = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a02"
  security_group_id     = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a03"
  image_id              = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a04"
  load_balancer_id      = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a05"
  load_balancer_pool_id = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a06"
  redis_password        = "not-a-password"
  console_token         = "not-a-token-not-a-token-not-a-token"
  notify_emails         = ["operator@example.com"]
  packages              = "../../tests/packages"
}

run "it_applies_while_observing" {}

run "it_applies_while_acting" {
  variables {
    mode = "act"
  }
}
